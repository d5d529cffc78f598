/** `volumes` and `tmpfs` of a Compose service: the short forms here, the long one in `long-mount.ts`. */

import type { MountSpec, VolumeSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Place } from '../../reader.ts';
import { toBytes } from '../../values.ts';
import { findDeclared } from '../declared.ts';
import type { ComposeFields, ComposeReader } from '../reader.ts';
import { toMode } from '../scalars.ts';
import { type Target, toTarget } from '../targets.ts';
import { readLongMount } from './long-mount.ts';
import { CONSISTENCIES, checkHostPath, checkVolumeKey, PROPAGATIONS, SELINUX_WAY_OUT } from './mount-rules.ts';

export const MOUNT_KEYS = ['volumes', 'tmpfs'];

/** The `source` of a volume is still its key in the file. */
type ParsedMount = { place: Place; mount: MountSpec };

export type Storage = {
  mounts: MountSpec[];
  targets: Target[];
  /** Keys of the volumes it uses. */
  used: string[];
};

export function readStorage(service: ComposeFields, volumes: ReadonlyMap<string, VolumeSpec>): Storage {
  const parsed = [...readVolumeList(service.get('volumes')), ...readTmpfsList(service.get('tmpfs'))];
  const used: string[] = [];
  const mounts = parsed.map(({ place, mount }) => {
    if (mount.type !== 'volume' || mount.source === null) return mount;
    const reference = { code: 'UNKNOWN_VOLUME', noun: 'a volume', section: 'volumes' } as const;
    const volume = findDeclared(reference, volumes, mount.source, place);
    if (volume) used.push(mount.source);
    return { ...mount, source: volume?.name ?? mount.source };
  });
  return { mounts, used, targets: parsed.map(({ place, mount }) => ({ place, path: mount.target })) };
}

const SHORT_FORM = 'VOLUME:/path, /host/path:/path or /path, and after it :ro or :rw';

function readVolumeList(value: ComposeReader): ParsedMount[] {
  return (value.list(`a list of mounts: ${SHORT_FORM}`) ?? []).flatMap((item) => {
    const mount = item.kind === 'object' ? readLongMount(item) : readShortMount(item);
    return mount ? { place: item, mount } : [];
  });
}

/** `[SOURCE:]TARGET[:OPTIONS]`, where a source that begins like a path is one on the host. */
function readShortMount(item: ComposeReader): MountSpec | undefined {
  const text = item.text(`a mount: ${SHORT_FORM}`);
  if (text === undefined) return undefined;
  const parts = text.split(':');
  const [first = '', second, options, ...rest] = parts;
  if (/^[a-zA-Z]$/.test(first) || text.startsWith('\\\\')) return item.misread(`a path on Linux: ${SHORT_FORM}`);
  if (rest.length > 0 || parts.includes('')) return item.misread(SHORT_FORM);
  const target = toTarget(second ?? first);
  if (target === undefined) return item.misread(`an absolute path in the container: ${SHORT_FORM}`);
  if (second === undefined) return { type: 'volume', source: null, target, readOnly: false };
  const type = /^[./~]/.test(first) ? 'bind' : 'volume';
  const isGood = type === 'bind' ? checkHostPath(item, first) : checkVolumeKey(item, first);
  if (!isGood) return undefined;
  const flags = options?.split(',').map((option) => readShortOption(item, type, option)) ?? [];
  const createHostPath = type === 'bind' && { createHostPath: true };
  return Object.assign({ type, source: first, target, readOnly: false }, ...flags, createHostPath);
}

function readShortOption(
  item: ComposeReader,
  type: 'bind' | 'volume',
  option: string,
): Pick<MountSpec, 'noCopy' | 'propagation'> & { readOnly?: boolean } {
  if (option === 'ro' || option === 'rw') return { readOnly: option === 'ro' };
  if (option === 'nocopy' && type === 'volume') return { noCopy: true };
  const propagation = PROPAGATIONS.find((one) => one === option);
  if (propagation && type === 'bind') return { propagation };
  if (option === 'z' || option === 'Z') item.refuse(`relabelling for SELinux (":${option}")`, SELINUX_WAY_OUT);
  else if (!CONSISTENCIES.some((one) => one === option)) {
    const known = type === 'bind' ? `ro, rw, ${PROPAGATIONS.join(', ')}` : 'ro, rw, nocopy';
    const message = `expected an option of a ${type} mount (${known}), found ${quote(option)}`;
    item.report('INVALID_VALUE', message);
  }
  return {};
}

/** `tmpfs` is one `path[:options]` or a list of them. */
function readTmpfsList(value: ComposeReader): ParsedMount[] {
  const items = value.kind === 'list' ? value.items : [value];
  return items.flatMap((item) => {
    const mount = readTmpfs(item);
    return mount ? { place: item, mount } : [];
  });
}

function readTmpfs(item: ComposeReader): MountSpec | undefined {
  const text = item.text('a path in the container, or a list of them');
  if (text === undefined) return undefined;
  const [path = '', ...rest] = text.split(':');
  const target = toTarget(path);
  if (target === undefined) return item.misread('an absolute path in the container such as /run');
  const options = rest.join(':');
  const flags = options === '' ? [] : options.split(',').map((option) => readTmpfsOption(item, option));
  return Object.assign({ type: 'tmpfs', source: null, target, readOnly: false }, ...flags);
}

/** Docker mounts a tmpfs with these by itself. */
const TMPFS_DEFAULTS = ['noexec', 'nosuid', 'nodev'];
const TMPFS_REFUSED = ['exec', 'suid', 'dev'];

function readTmpfsOption(
  item: ComposeReader,
  option: string,
): Pick<MountSpec, 'sizeBytes' | 'mode'> & { readOnly?: boolean } {
  const [, name = option, value] = /^([^=]*)=(.*)$/s.exec(option) ?? [];
  if (option === 'ro' || option === 'rw') return { readOnly: option === 'ro' };
  const sizeBytes = name === 'size' ? toBytes(value ?? '') : undefined;
  if (sizeBytes !== undefined) return { sizeBytes };
  const mode = name === 'mode' ? toMode(value ?? '') : undefined;
  if (mode !== undefined) return { mode };
  if (name === 'uid' || name === 'gid' || TMPFS_REFUSED.includes(option)) {
    const wayOut = 'Docker mounts it for root with noexec,nosuid,nodev; use "mode"';
    item.refuse(`the tmpfs option ${quote(option)}`, wayOut);
  } else if (!TMPFS_DEFAULTS.includes(option)) {
    item.report('INVALID_VALUE', `expected size=<bytes>, mode=<octal>, ro or rw, found ${quote(option)}`);
  }
  return {};
}
