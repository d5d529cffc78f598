import { toStableJson } from '../spec/hash.ts';
import type { ContainerSpec, FileSpec, NetworkSpec, ServiceSpec, StackSpec, VolumeSpec } from '../spec/spec.ts';

/** Pure: which fields of two specs differ, as texts for people. Secrets are masked. */
export type FieldDifference = {
  /** As in `environment.LOG_LEVEL` or `ports`. */
  field: string;
  /** null: not there. */
  old: string | null;
  new: string | null;
};

export type SubjectDifference = {
  subject: 'SERVICE' | 'NETWORK' | 'VOLUME';
  name: string;
  change: 'ADDED' | 'REMOVED' | 'CHANGED';
  fields: FieldDifference[];
};

const MASK = '(not shown)';
/** Names whose values are likely to be secret. */
const SECRET_NAME = /pass|secret|token|credential|private|api_?key|auth|_key$|^key$/i;
/** The password in scheme://user:password@host. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi;

export function containerDifferences(before: ContainerSpec, after: ContainerSpec): FieldDifference[] {
  return fieldDifferences(toFields(before), toFields(after));
}

export function revisionDifferences(before: StackSpec, after: StackSpec): SubjectDifference[] {
  return [
    ...subjectDifferences('SERVICE', before.services, after.services, serviceFields),
    ...subjectDifferences('NETWORK', before.networks, after.networks, (network) => flatten(network, ['name'])),
    ...subjectDifferences('VOLUME', before.volumes, after.volumes, (volume) => flatten(volume, ['name'])),
  ];
}

function subjectDifferences<T extends ServiceSpec | NetworkSpec | VolumeSpec>(
  subject: SubjectDifference['subject'],
  before: readonly T[],
  after: readonly T[],
  toFieldsOf: (item: T) => Fields,
): SubjectDifference[] {
  const [old, now] = [before, after].map((list) => new Map(list.map((item) => [item.name, item])));
  const names = [...new Set([...before, ...after].map((item) => item.name))];
  return names.flatMap((name) => {
    const [a, b] = [old?.get(name), now?.get(name)];
    const fields = fieldDifferences(a ? toFieldsOf(a) : new Map(), b ? toFieldsOf(b) : new Map());
    if (a && b && fields.length === 0) return [];
    return [{ subject, name, change: a ? (b ? 'CHANGED' : 'REMOVED') : 'ADDED', fields } as const];
  });
}

type Fields = Map<string, string>;

/** `name` and `replica` tell containers apart and are no property of what they run. */
function serviceFields({ name: _name, container, ...rest }: ServiceSpec): Fields {
  return new Map([...flatten(rest, []), ...toFields(container)]);
}

function toFields({ name, files, ...rest }: ContainerSpec): Fields {
  const fields = flatten(rest, ['service', 'replica']);
  fields.set('name', name);
  for (const file of files ?? []) for (const [field, text] of fileFields(file)) fields.set(field, text);
  return fields;
}

function fileFields({ kind, target, digest, content, mode, uid, gid }: FileSpec): [string, string][] {
  const field = `${kind}s.${target}`;
  const shown = kind === 'secret' ? `${MASK} ${digest.slice(0, 8)}` : toText(content);
  return [
    [field, shown],
    [`${field}.mode`, `0${mode.toString(8)} ${uid}:${gid}`],
  ];
}

/** One level deep: `environment` and `labels` by name, lists as a whole. What is empty is not there. */
function flatten(value: object, without: readonly string[]): Fields {
  const fields: Fields = new Map();
  for (const [key, inner] of Object.entries(value)) {
    if (without.includes(key) || isEmpty(inner)) continue;
    if (typeof inner !== 'object' || Array.isArray(inner)) {
      fields.set(key, toText(inner));
      continue;
    }
    for (const [name, text] of Object.entries(inner as object)) {
      if (!isEmpty(text)) fields.set(`${key}.${name}`, SECRET_NAME.test(name) ? mask(text) : toText(text));
    }
  }
  return fields;
}

const isEmpty = (value: unknown) =>
  value === null ||
  value === undefined ||
  (typeof value === 'object' && Object.keys(value).length === 0) ||
  (Array.isArray(value) && value.length === 0);

/** What is shown and, behind a NUL, all of it where that is not the same: that something changed is never hidden. */
function toText(value: unknown): string {
  const text = typeof value === 'string' ? value : toStableJson(value);
  const shown = clip(text.replaceAll(URL_PASSWORD, '$1:***@'));
  return shown === text ? text : `${shown}\u0000${text}`;
}

const clip = (text: string) => (text.length > 500 ? `${text.slice(0, 500).toWellFormed()}…` : text);
const mask = (value: unknown) => `${MASK}\u0000${toStableJson(value)}`;
const unmask = (text: string | undefined) => (text === undefined ? null : (text.split('\u0000')[0] ?? ''));

function fieldDifferences(before: Fields, after: Fields): FieldDifference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => ({ field, old: unmask(before.get(field)), new: unmask(after.get(field)) }));
}
