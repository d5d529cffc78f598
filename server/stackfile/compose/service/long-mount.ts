/** A mount of a Compose service in its long form, `{type, source, target, ...}`. */

import type { MountSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import { compact } from '../compact.ts';
import type { ComposeFields, ComposeReader } from '../reader.ts';
import { toTarget } from '../targets.ts';
import { CONSISTENCIES, checkHostPath, checkVolumeKey, PROPAGATIONS, SELINUX_WAY_OUT } from './mount-rules.ts';

const TYPES = ['volume', 'bind', 'tmpfs', 'npipe', 'cluster', 'image'] as const;
const OPTION_KEYS = ['volume', 'bind', 'tmpfs', 'image'];
const KEYS = ['type', 'source', 'target', 'read_only', 'consistency', ...OPTION_KEYS];
const WAY_OUT = {
  npipe: 'it is for Windows containers; use "bind"',
  cluster: 'it belongs to a Swarm; use "volume" with a volume driver',
  image: 'older Docker engines cannot do it; put the files into the image of the service, or into a volume',
};

export function readLongMount(item: ComposeReader): MountSpec | undefined {
  const fields = item.map(KEYS, 'a mount {type, source, target, ...}');
  if (!fields) return undefined;
  const type = fields.required('type', 'volume, bind or tmpfs').choice(TYPES);
  if (type === 'npipe' || type === 'cluster' || type === 'image') {
    return fields.keyOf('type').refuse(`a mount of type ${quote(type)}`, WAY_OUT[type]);
  }
  const target = readTarget(fields);
  fields.get('consistency').choice(CONSISTENCIES);
  if (type === undefined) return undefined;
  checkOptions(fields, type);
  const source = readSource(fields, type);
  const mount = compact<MountSpec>({
    type,
    source: source ?? null,
    target: target ?? '',
    readOnly: fields.get('read_only').flag() ?? false,
    ...(type === 'bind' && readBind(fields.get('bind'))),
    ...(type === 'volume' && readVolume(fields.get('volume'))),
    ...(type === 'tmpfs' && readTmpfs(fields.get('tmpfs'))),
  });
  return target === undefined || source === undefined ? undefined : mount;
}

function readTarget(fields: ComposeFields): string | undefined {
  const expected = 'an absolute path in the container';
  const value = fields.required('target', expected);
  const text = value.text(expected);
  return text === undefined ? undefined : (toTarget(text) ?? value.misread(`${expected} below /`));
}

/** Gives null for a tmpfs and for a volume without a name, which have no source. */
function readSource(fields: ComposeFields, type: MountSpec['type']): string | null | undefined {
  if (type === 'bind') {
    const value = fields.required('source', 'a path on the host');
    const path = value.text('a path on the host');
    return path !== undefined && checkHostPath(value, path) ? path : undefined;
  }
  const value = fields.get('source');
  if (value.isAbsent) return null;
  const name = value.text('the name of a volume');
  if (name === undefined) return undefined;
  if (type === 'volume') return checkVolumeKey(value, name) ? name : undefined;
  value.report('INVALID_VALUE', 'expected no source: a tmpfs is made empty');
  return null;
}

function checkOptions(fields: ComposeFields, type: MountSpec['type']): void {
  for (const key of OPTION_KEYS) {
    if (key === type || !fields.has(key)) continue;
    fields.keyOf(key).report('CONFLICTING_FIELDS', `expected no ${quote(key)} for a mount of type ${type}`);
  }
}

function readBind(value: ComposeReader): Pick<MountSpec, 'propagation' | 'createHostPath'> {
  const keys = ['propagation', 'create_host_path', 'selinux', 'recursive'];
  const fields = value.map(keys, 'a map {propagation, create_host_path}') ?? value.emptyFields();
  if (fields.has('selinux')) fields.keyOf('selinux').refuse('"selinux"', SELINUX_WAY_OUT);
  const recursive = fields.get('recursive').choice(['enabled', 'disabled', 'writable', 'readonly']);
  if (recursive !== undefined && recursive !== 'enabled') {
    const wayOut = 'older Docker engines cannot do it; remove it';
    fields.keyOf('recursive').refuse(`"recursive: ${recursive}"`, wayOut);
  }
  return {
    propagation: fields.get('propagation').choice(PROPAGATIONS),
    createHostPath: fields.get('create_host_path').flag() ?? true,
  };
}

function readVolume(value: ComposeReader): Pick<MountSpec, 'noCopy'> {
  const fields = value.map(['nocopy', 'subpath', 'labels'], 'a map {nocopy}');
  if (fields?.has('subpath')) {
    const wayOut = 'older Docker engines cannot do it; mount the whole volume, or make a volume of its own';
    fields.keyOf('subpath').refuse('"subpath"', wayOut);
  }
  if (fields?.has('labels')) {
    fields.keyOf('labels').refuse('"labels" of a mount', 'give them to the volume at the top level');
  }
  return { noCopy: fields?.get('nocopy').flag() || undefined };
}

function readTmpfs(value: ComposeReader): Pick<MountSpec, 'sizeBytes' | 'mode'> {
  const fields = value.map(['size', 'mode'], 'a map {size, mode}');
  return { sizeBytes: fields?.get('size').bytes(), mode: fields?.get('mode').mode() };
}
