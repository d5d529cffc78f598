/** `volumes` and `tmpfs` of a Compose service: the short forms here, the long one in `long-mount.ts`. */

import type { MountSpec, VolumeSpec } from '../../../spec/spec.ts';
import { type Fields, wrongType } from '../../fields.ts';
import { quote, type Report, type Spot, type Value } from '../../text.ts';
import { toBytes } from '../../values.ts';
import { type Context, findDeclared } from '../declared.ts';
import { compact, refuse } from '../keys.ts';
import { type Target, toMode, toTarget } from '../paths.ts';
import { misread, readText, toText } from '../scalars.ts';
import { readLongMount } from './long-mount.ts';
import { CONSISTENCIES, checkHostPath, checkVolumeKey, PROPAGATIONS, SELINUX_WAY_OUT } from './mount-rules.ts';

export const MOUNT_WORDS = ['volumes', 'tmpfs'];

/** `source` of a volume is still its key in the file. */
export type MountDraft = { spot: Spot; mount: MountSpec };

export type Storage = {
  mounts: MountSpec[];
  targets: Target[];
  /** Keys of the volumes it uses. */
  used: string[];
};

const SHORT_FORM = 'VOLUME:/path, /host/path:/path or /path, and after it :ro or :rw';
export function readStorage({ report }: Context, service: Fields, volumes: ReadonlyMap<string, VolumeSpec>): Storage {
  const drafts = [...readVolumeList(report, service.get('volumes')), ...readTmpfsList(report, service.get('tmpfs'))];
  const used: string[] = [];
  const mounts = drafts.map(({ spot, mount }) => {
    if (mount.type !== 'volume' || mount.source === null) return mount;
    const words = { code: 'UNKNOWN_VOLUME', noun: 'a volume', section: 'volumes' } as const;
    const volume = findDeclared(report, words, volumes, mount.source, spot);
    if (volume) used.push(mount.source);
    return { ...mount, source: volume?.name ?? mount.source };
  });
  return { mounts, used, targets: drafts.map(({ spot, mount }) => ({ spot, path: mount.target })) };
}

function readVolumeList(report: Report, value: Value | undefined): MountDraft[] {
  if (value === undefined) return [];
  if (value.kind !== 'list') return wrongType(report, value, `a list of mounts: ${SHORT_FORM}`) ?? [];
  return value.items.flatMap((item) => {
    const mount = item.kind === 'object' ? readLongMount(report, item) : readShortMount(report, item);
    return mount ? { spot: item, mount } : [];
  });
}

function readShortMount(report: Report, item: Value): MountSpec | undefined {
  const text = readText(report, item, `a mount: ${SHORT_FORM}`);
  if (text === undefined) return undefined;
  const parts = text.split(':');
  const [first = '', second, options, ...rest] = parts;
  if (/^[a-zA-Z]$/.test(first) || text.startsWith('\\\\'))
    return misread(report, item, `a path on Linux: ${SHORT_FORM}`);
  if (rest.length > 0 || parts.includes('')) return misread(report, item, SHORT_FORM);
  const target = toTarget(second ?? first);
  if (target === undefined) return misread(report, item, `an absolute path in the container: ${SHORT_FORM}`);
  const source = second === undefined ? null : first;
  const type = source !== null && /^[./~]/.test(source) ? 'bind' : 'volume';
  if (type === 'bind' && !checkHostPath(report, item, first)) return undefined;
  if (source !== null && type === 'volume' && !checkVolumeKey(report, item, first)) return undefined;
  const flags = readShortOptions(report, item, type, options?.split(',') ?? []);
  return { type, source, target, ...flags, ...(type === 'bind' && { createHostPath: true }) };
}

function readShortOptions(
  report: Report,
  spot: Value,
  type: 'bind' | 'volume',
  options: string[],
): Pick<MountSpec, 'readOnly' | 'noCopy' | 'propagation'> {
  let readOnly = false;
  let noCopy: true | undefined;
  let propagation: MountSpec['propagation'];
  for (const option of options) {
    const mode = PROPAGATIONS.find((one) => one === option);
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro';
    else if (option === 'nocopy' && type === 'volume') noCopy = true;
    else if (mode && type === 'bind') propagation = mode;
    else if (option === 'z' || option === 'Z')
      refuse(report, spot, `relabelling for SELinux (":${option}")`, SELINUX_WAY_OUT);
    else if (!CONSISTENCIES.some((one) => one === option)) {
      const known = type === 'bind' ? `ro, rw, ${PROPAGATIONS.join(', ')}` : 'ro, rw, nocopy';
      report('INVALID_VALUE', spot, `expected an option of a ${type} mount (${known}), found ${quote(option)}`);
    }
  }
  return compact({ readOnly, noCopy, propagation });
}

/** One `path[:options]` or a list of them. */
function readTmpfsList(report: Report, value: Value | undefined): MountDraft[] {
  if (value === undefined) return [];
  const items = value.kind === 'list' ? value.items : [value];
  return items.flatMap((item) => {
    const text = toText(item);
    if (text === undefined) return wrongType(report, item, 'a path in the container, or a list of them') ?? [];
    const [path = '', ...options] = text.split(':');
    const target = toTarget(path);
    if (target === undefined) return misread(report, item, 'an absolute path in the container such as /run') ?? [];
    const flags = readTmpfsOptions(report, item, options.join(':'));
    return { spot: item, mount: { type: 'tmpfs', source: null, target, ...flags } };
  });
}

function readTmpfsOptions(
  report: Report,
  spot: Spot,
  text: string,
): Pick<MountSpec, 'readOnly' | 'sizeBytes' | 'mode'> {
  const read: Pick<MountSpec, 'readOnly' | 'sizeBytes' | 'mode'> = { readOnly: false };
  for (const option of text === '' ? [] : text.split(',')) {
    const [, name = option, value = ''] = /^([^=]*)=(.*)$/s.exec(option) ?? [];
    if (option === 'ro' || option === 'rw') read.readOnly = option === 'ro';
    else if (name === 'size' && toBytes(value) !== undefined) read.sizeBytes = toBytes(value);
    else if (name === 'mode' && toMode(value) !== undefined) read.mode = toMode(value);
    else if (name === 'uid' || name === 'gid' || option === 'exec' || option === 'suid' || option === 'dev') {
      refuse(
        report,
        spot,
        `the tmpfs option ${quote(option)}`,
        'Docker mounts it for root with noexec,nosuid,nodev; use "mode"',
      );
    } else if (!['noexec', 'nosuid', 'nodev'].includes(option)) {
      // Those three are what Docker does by itself.
      report('INVALID_VALUE', spot, `expected size=<bytes>, mode=<octal>, ro or rw, found ${quote(option)}`);
    }
  }
  return read;
}
