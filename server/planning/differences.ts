import { NOT_SHOWN, withoutPasswords } from '../spec/confidential.ts';
import { toStableJson } from '../spec/hash.ts';
import type { ContainerSpec, FileSpec, NetworkSpec, ServiceSpec, StackSpec, VolumeSpec } from '../spec/spec.ts';

/** Pure: which fields of two specs differ, as texts for people. Secrets are masked. */
export type FieldDifference = {
  /** Such as `environment.LOG_LEVEL` or `ports`. */
  field: string;
  /** null: absent. */
  old: string | null;
  new: string | null;
};

export type SubjectDifference = {
  subject: 'SERVICE' | 'NETWORK' | 'VOLUME';
  name: string;
  change: 'ADDED' | 'REMOVED' | 'CHANGED';
  fields: FieldDifference[];
};

/** Names whose values are likely to be secret. */
const SECRET_NAME = /pass|secret|token|credential|private|api_?key|auth|_key$|^key$/i;
export function containerDifferences(before: ContainerSpec, after: ContainerSpec): FieldDifference[] {
  return fieldDifferences(toFields(before), toFields(after));
}

/** Shorter values would hide innocent text. */
const LEAST_LENGTH = 4;

type Hide = (text: string) => string;
const showAll: Hide = (text) => text;

/** Leaves out the values of variables, but for those in an image, which is shown anyway. */
function hideValues(...specs: readonly StackSpec[]): Hide {
  const values = specs
    .flatMap(({ variables = {} }) => Object.entries(variables))
    .filter(([, value]) => value.length >= LEAST_LENGTH)
    .flatMap(([name, value]) => [value, JSON.stringify(value).slice(1, -1)].map((text) => ({ name, text })))
    .toSorted((a, b) => b.text.length - a.text.length);
  return (all) => values.reduce((rest, { name, text }) => rest.replaceAll(text, `(value of ${name})`), all);
}

/** @param isForViewers the values of the files' variables are not shown */
export function revisionDifferences(before: StackSpec, after: StackSpec, isForViewers = false): SubjectDifference[] {
  const hide = isForViewers ? hideValues(before, after) : showAll;
  return [
    ...subjectDifferences('SERVICE', [before.services, after.services], serviceFields, hide),
    ...subjectDifferences('NETWORK', [before.networks, after.networks], (network) => flatten(network, ['name']), hide),
    ...subjectDifferences('VOLUME', [before.volumes, after.volumes], (volume) => flatten(volume, ['name']), hide),
  ];
}

function subjectDifferences<T extends ServiceSpec | NetworkSpec | VolumeSpec>(
  subject: SubjectDifference['subject'],
  [before, after]: readonly [readonly T[], readonly T[]],
  toFieldsOf: (item: T) => Fields,
  hide: Hide,
): SubjectDifference[] {
  const [old, now] = [before, after].map((list) => new Map(list.map((item) => [item.name, item])));
  const names = [...new Set([...before, ...after].map((item) => item.name))];
  return names.flatMap((name) => {
    const [a, b] = [old?.get(name), now?.get(name)];
    const fields = fieldDifferences(a ? toFieldsOf(a) : new Map(), b ? toFieldsOf(b) : new Map(), hide);
    if (a && b && fields.length === 0) return [];
    return [{ subject, name, change: a ? (b ? 'CHANGED' : 'REMOVED') : 'ADDED', fields } as const];
  });
}

/** All of a field: that something changed is never hidden by a mask or by a cut. */
type Field = { full: string; isSecret: boolean };
type Fields = Map<string, Field>;

/** `name` and `replica` tell containers apart and are no property of what they run. */
function serviceFields({ name: _name, container, ...rest }: ServiceSpec): Fields {
  return new Map([...flatten(rest, []), ...toFields(container)]);
}

function toFields({ name, files, ...rest }: ContainerSpec): Fields {
  const fields = flatten(rest, ['service', 'replica']);
  fields.set('name', toField(name));
  for (const file of files ?? []) for (const [field, value] of fileFields(file)) fields.set(field, value);
  return fields;
}

function fileFields({ kind, target, digest, content, mode, uid, gid }: FileSpec): [string, Field][] {
  const field = `${kind}s.${target}`;
  const shown = kind === 'secret' ? toField(`${NOT_SHOWN} ${digest.slice(0, 8)}`) : toField(content);
  return [
    [field, shown],
    [`${field}.mode`, toField(`0${mode.toString(8)} ${uid}:${gid}`)],
  ];
}

/** Goes one level deep: `environment` and `labels` by name, lists as a whole. Empty values count as absent. */
function flatten(value: object, without: readonly string[]): Fields {
  const named = Object.entries(value).filter(([key, inner]) => !without.includes(key) && !isEmpty(inner));
  return new Map(
    named.flatMap(([key, inner]) => (isMap(inner) ? flattenMap(key, inner) : [[key, toField(inner)] as const])),
  );
}

const flattenMap = (key: string, map: object) =>
  Object.entries(map)
    .filter(([, value]) => !isEmpty(value))
    .map(([name, value]) => [`${key}.${name}`, SECRET_NAME.test(name) ? masked(value) : toField(value)] as const);

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);

function toField(value: unknown): Field {
  const full = typeof value === 'string' ? value : toStableJson(value);
  return { full, isSecret: false };
}

const clip = (text: string) => (text.length > 500 ? `${text.slice(0, 500).toWellFormed()}…` : text);
const masked = (value: unknown): Field => ({ full: toStableJson(value), isSecret: true });

function fieldDifferences(before: Fields, after: Fields, hide: Hide = showAll): FieldDifference[] {
  const show = (field: string, one: Field | undefined): string | null => {
    if (!one || one.isSecret) return one ? NOT_SHOWN : null;
    return clip(withoutPasswords(field === 'image' ? one.full : hide(one.full)));
  };
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((field) => before.get(field)?.full !== after.get(field)?.full)
    .map((field) => ({ field, old: show(field, before.get(field)), new: show(field, after.get(field)) }));
}
