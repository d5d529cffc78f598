/** A mount of a Compose service in its long form, `{type, source, target, ...}`. */

import type { MountSpec } from '../../../spec/spec.ts';
import { type Fields, required } from '../../fields.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { compact, keySpot, readKeys, refuse } from '../keys.ts';
import { readMode, toTarget } from '../paths.ts';
import { misread, readBytes, readFlag, readText, readTextChoice } from '../scalars.ts';
import { CONSISTENCIES, checkHostPath, checkVolumeKey, PROPAGATIONS, SELINUX_WAY_OUT } from './mount-rules.ts';

const TYPES = ['volume', 'bind', 'tmpfs', 'npipe', 'cluster', 'image'] as const;
const OPTIONS = ['volume', 'bind', 'tmpfs', 'image'];
const WORDS = ['type', 'source', 'target', 'read_only', 'consistency', ...OPTIONS];
const WAY_OUT = {
  npipe: 'it is for Windows containers; use "bind"',
  cluster: 'it belongs to a Swarm; use "volume" with a volume driver',
  image: 'older Docker engines cannot do it; put the files into the image of the service, or into a volume',
};

export function readLongMount(report: Report, item: Value): MountSpec | undefined {
  const fields = readKeys(report, item, WORDS, 'a mount {type, source, target, ...}');
  if (!fields) return undefined;
  const type = readTextChoice(report, required(report, fields, 'type', 'volume, bind or tmpfs'), TYPES);
  if (type === 'npipe' || type === 'cluster' || type === 'image') {
    refuse(report, keySpot(fields, 'type'), `a mount of type ${quote(type)}`, WAY_OUT[type]);
    return undefined;
  }
  const target = readTarget(report, fields);
  readTextChoice(report, fields.get('consistency'), CONSISTENCIES);
  if (type === undefined) return undefined;
  checkOptions(report, fields, type);
  const source = readSource(report, fields, type);
  const mount = compact<MountSpec>({
    type,
    source: source ?? null,
    target: target ?? '',
    readOnly: readFlag(report, fields.get('read_only')) ?? false,
    ...(type === 'bind' && readBind(report, fields.get('bind'))),
    ...(type === 'volume' && readVolume(report, fields.get('volume'))),
    ...(type === 'tmpfs' && readTmpfs(report, fields.get('tmpfs'))),
  });
  return target === undefined || source === undefined ? undefined : mount;
}

function readTarget(report: Report, fields: Fields): string | undefined {
  const value = required(report, fields, 'target', 'an absolute path in the container');
  const text = readText(report, value, 'an absolute path in the container');
  if (value === undefined || text === undefined) return undefined;
  return toTarget(text) ?? misread(report, value, 'an absolute path in the container below /');
}

/** Null where there is none: a tmpfs, or a volume without a name. */
function readSource(report: Report, fields: Fields, type: MountSpec['type']): string | null | undefined {
  const value = type === 'bind' ? required(report, fields, 'source', 'a path on the host') : fields.get('source');
  const source = readText(report, value, type === 'bind' ? 'a path on the host' : 'the name of a volume');
  if (value === undefined) return type === 'bind' ? undefined : null;
  if (source === undefined) return undefined;
  if (type === 'tmpfs') {
    report('INVALID_VALUE', value, 'expected no source: a tmpfs is made empty');
    return null;
  }
  const isGood = type === 'bind' ? checkHostPath(report, value, source) : checkVolumeKey(report, value, source);
  return isGood ? source : undefined;
}

function checkOptions(report: Report, fields: Fields, type: MountSpec['type']): void {
  for (const word of OPTIONS) {
    if (word === type || !fields.get(word)) continue;
    report('CONFLICTING_FIELDS', keySpot(fields, word), `expected no ${quote(word)} for a mount of type ${type}`);
  }
}

function readBind(report: Report, value: Value | undefined): Pick<MountSpec, 'propagation' | 'createHostPath'> {
  const words = ['propagation', 'create_host_path', 'selinux', 'recursive'];
  const fields = readKeys(report, value, words, 'a map {propagation, create_host_path}');
  if (fields?.get('selinux')) refuse(report, keySpot(fields, 'selinux'), '"selinux"', SELINUX_WAY_OUT);
  const recursive = ['enabled', 'disabled', 'writable', 'readonly'] as const;
  const recursion = readTextChoice(report, fields?.get('recursive'), recursive);
  if (fields && recursion !== undefined && recursion !== 'enabled') {
    refuse(
      report,
      keySpot(fields, 'recursive'),
      `"recursive: ${recursion}"`,
      'older Docker engines cannot do it; remove it',
    );
  }
  return {
    propagation: readTextChoice(report, fields?.get('propagation'), PROPAGATIONS),
    createHostPath: readFlag(report, fields?.get('create_host_path')) ?? true,
  };
}

function readVolume(report: Report, value: Value | undefined): Pick<MountSpec, 'noCopy'> {
  const fields = readKeys(report, value, ['nocopy', 'subpath', 'labels'], 'a map {nocopy}');
  if (fields?.get('subpath')) {
    const wayOut = 'older Docker engines cannot do it; mount the whole volume, or make a volume of its own';
    refuse(report, keySpot(fields, 'subpath'), '"subpath"', wayOut);
  }
  if (fields?.get('labels')) {
    refuse(report, keySpot(fields, 'labels'), '"labels" of a mount', 'give them to the volume at the top level');
  }
  return { noCopy: readFlag(report, fields?.get('nocopy')) || undefined };
}

function readTmpfs(report: Report, value: Value | undefined): Pick<MountSpec, 'sizeBytes' | 'mode'> {
  const fields = readKeys(report, value, ['size', 'mode'], 'a map {size, mode}');
  return { sizeBytes: readBytes(report, fields?.get('size')), mode: readMode(report, fields?.get('mode')) };
}
