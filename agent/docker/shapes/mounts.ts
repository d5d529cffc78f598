/** Pure: turns a container's mounts into what Docker is sent. */
import { type Labels, type Owner, stackLabels } from './labels.ts';
import type { DeploySpec, FileSpec, MountSpec, VolumeSpec } from './spec.ts';
import { isLower } from './version.ts';

export type MountBody = {
  Type: 'volume' | 'bind' | 'tmpfs';
  Source?: string;
  Target: string;
  ReadOnly: boolean;
  VolumeOptions?: { Labels?: Labels; NoCopy?: boolean; DriverConfig?: { Name: string; Options: Labels } };
  BindOptions?: { Propagation?: string; CreateMountpoint?: boolean };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
};

type Host = { apiVersion: string; files: { file: FileSpec; path: string }[] };

/** From this version on a mount can make the host's directory. Before, only a bind in its short form could. */
const CREATE_MOUNTPOINT_FROM = '1.42';

export function toMounts(
  { container, volumes }: DeploySpec,
  owner: Owner,
  { apiVersion, files }: Host,
): { Mounts: MountBody[]; Binds?: string[] } {
  const isShort = ({ type, createHostPath }: MountSpec) =>
    type === 'bind' && createHostPath === true && isLower(apiVersion, CREATE_MOUNTPOINT_FROM);
  const short = container.mounts.filter(isShort).map(toBind);
  const long = container.mounts.filter((mount) => !isShort(mount)).map((mount) => toMount(mount, volumes, owner));
  return { Mounts: [...long, ...files.map(toFileMount)], ...(short.length > 0 && { Binds: short }) };
}

/** Lists the binds whose short form "source:target:options" would be ambiguous, because a path has a colon. */
export const bindUnsayable = ({ container }: DeploySpec, apiVersion: string): string[] =>
  isLower(apiVersion, CREATE_MOUNTPOINT_FROM)
    ? container.mounts
        .filter(({ type, createHostPath }) => type === 'bind' && createHostPath)
        .filter(({ source, target }) => source?.includes(':') || target.includes(':'))
        .map(({ source }) => `making ${source}, whose path has a colon (needs API ${CREATE_MOUNTPOINT_FROM})`)
    : [];

const toBind = ({ source, target, readOnly, propagation }: MountSpec): string =>
  [source, target, [readOnly ? 'ro' : 'rw', ...(propagation ? [propagation] : [])].join(',')].join(':');

function toMount(mount: MountSpec, volumes: VolumeSpec[], owner: Owner): MountBody {
  const { type, source, target, readOnly } = mount;
  const body: MountBody = { Type: type, Target: target, ReadOnly: readOnly };
  if (source !== null && type !== 'tmpfs') body.Source = source;
  const options = { volume: toVolumeOptions, bind: toBindOptions, tmpfs: toTmpfsOptions }[type](mount, volumes, owner);
  return Object.keys(options).length === 0 ? body : { ...body, [OPTIONS_OF[type]]: options };
}

const OPTIONS_OF = { volume: 'VolumeOptions', bind: 'BindOptions', tmpfs: 'TmpfsOptions' } as const;

/** If a volume of the stack has vanished in between, Docker makes it again, so the mount says what it was like. */
function toVolumeOptions({ source, noCopy }: MountSpec, volumes: VolumeSpec[], owner: Owner) {
  const volume = volumes.find(({ name }) => name === source);
  const isOurs = source !== null && volume?.external !== true;
  const driver = volume && isOurs ? toDriverConfig(volume) : undefined;
  return {
    ...(isOurs && { Labels: { ...volume?.labels, ...stackLabels(owner) } }),
    ...(noCopy !== undefined && { NoCopy: noCopy }),
    ...(driver && { DriverConfig: driver }),
  };
}

/** Returns undefined for the plain driver. */
export function toDriverConfig({ driver, driverOptions }: VolumeSpec): { Name: string; Options: Labels } | undefined {
  if (driver === undefined && driverOptions === undefined) return undefined;
  return { Name: driver ?? 'local', Options: driverOptions ?? {} };
}

const toBindOptions = ({ propagation, createHostPath }: MountSpec) => ({
  ...(propagation && { Propagation: propagation }),
  ...(createHostPath && { CreateMountpoint: true }),
});

const toTmpfsOptions = ({ sizeBytes, mode }: MountSpec) => ({
  ...(sizeBytes !== undefined && { SizeBytes: sizeBytes }),
  ...(mode !== undefined && { Mode: mode }),
});

const toFileMount = ({ file, path }: Host['files'][number]): MountBody => ({
  Type: 'bind',
  Source: path,
  Target: file.target,
  ReadOnly: true,
});
