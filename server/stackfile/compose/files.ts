/** `configs` and `secrets` of a Compose file: at the top level what they hold, in a service where they are put. */
import { createHash } from 'node:crypto';
import type { FileSpec } from '../../spec/spec.ts';
import { type Fields, required, wrongType } from '../fields.ts';
import { type Field, quote, type Report, type Spot, type Value } from '../text.ts';
import { type Context, findDeclared, readDeclaration, readDeclarations } from './declared.ts';
import { keySpot, readKeys, refuse, refuseKeys } from './keys.ts';
import { readMode, type Target, toTarget } from './paths.ts';
import { SECRET_MARK } from './redact.ts';
import { misread, readFlag, readInteger, readText } from './scalars.ts';

export const FILE_WORDS = ['configs', 'secrets'];

type Kind = FileSpec['kind'];
/** The content by key; null where the report says what is wrong with it. */
export type Contents = Record<Kind, Map<string, string | null>>;

const INLINE =
  'the server has no files beside the Compose file; write it under "content", or name a variable under "environment"';
const REFUSED = {
  file: INLINE,
  driver: 'it belongs to a Swarm; use "content" or "environment"',
  driver_opts: 'it belongs to a Swarm; remove it',
  template_driver: 'it belongs to a Swarm; remove it, variables are put in anyway',
  name: 'nothing is stored under it; remove it',
  labels: 'nothing is stored that could have them; remove them',
};
const DEFAULT_MODE = 0o444;
/** The specification has writing bits ignored. */
const WRITABLE = 0o222;
const MAX_ID = 2 ** 32 - 2;

export function readContents(context: Context, top: Fields): Contents {
  const read = (kind: Kind, word: string) => {
    const fields = readDeclarations(context.report, top.get(word), `${word} by their names`);
    return new Map(fields.map((field) => [field.key, readContent(context, field, kind)]));
  };
  return { config: read('config', 'configs'), secret: read('secret', 'secrets') };
}

function readContent({ report, variables }: Context, field: Field, kind: Kind): string | null {
  const words = ['content', 'environment', 'external', ...Object.keys(REFUSED)];
  const fields = readDeclaration(report, field, words, `a ${kind} {content} or {environment}`);
  if (!fields) return null;
  const isExternal = refuseExternal(report, fields, kind);
  // Beside "external", "name" says which one; refusing both would say the same twice.
  refuseKeys(report, isExternal ? { ...fields, all: fields.all.filter(({ key }) => key !== 'name') } : fields, REFUSED);
  const content = fields.get('content');
  const environment = fields.get('environment');
  if (content && environment) {
    report('CONFLICTING_FIELDS', keySpot(fields, 'environment'), 'expected only one of content, environment');
  }
  if (content) return readInline(report, content, kind);
  if (environment) return readVariable(report, environment, variables);
  if (isExternal || fields.get('file') || fields.get('driver')) return null;
  report(
    'MISSING_FIELD',
    field,
    `expected "content", or "environment" with the name of a variable, for ${quote(field.key)}`,
  );
  return null;
}

function refuseExternal(report: Report, fields: Fields, kind: Kind): boolean {
  const value = fields.get('external');
  if (value === undefined || (value.kind !== 'object' && readFlag(report, value) === false)) return false;
  const wayOut = `there is no store of ${kind}s on a host; write it under "content", or name a variable under "environment"`;
  refuse(report, keySpot(fields, 'external'), `an external ${kind}`, wayOut);
  return true;
}

function readInline(report: Report, value: Value, kind: Kind): string | null {
  const text = readText(report, value, 'text');
  if (text !== SECRET_MARK) return text ?? null;
  const wayOut = kind === 'secret' ? 'write it again, or name a variable under "environment"' : 'write it again';
  report('SECRET_HIDDEN', value, `expected the content itself, found what is shown in place of a secret: ${wayOut}`);
  return null;
}

function readVariable(report: Report, value: Value, variables: Context['variables']): string | null {
  const name = readText(report, value, 'the name of a variable');
  if (name === undefined) return null;
  const content = variables.get(name);
  if (content === undefined) report('VARIABLE_MISSING', value, `expected the variable ${quote(name)} to be set`);
  return content ?? null;
}

export function readFiles(
  context: Context,
  service: Fields,
  contents: Contents,
): { files: FileSpec[]; targets: Target[] } {
  const grants = [
    ...readGrants(context.report, 'config', service.get('configs'), contents),
    ...readGrants(context.report, 'secret', service.get('secrets'), contents),
  ];
  return {
    files: grants.map(({ file }) => file),
    targets: grants.map(({ spot, file }) => ({ spot, path: file.target })),
  };
}

type Grant = { spot: Spot; file: FileSpec };

function readGrants(report: Report, kind: Kind, value: Value | undefined, contents: Contents): Grant[] {
  if (value === undefined) return [];
  if (value.kind !== 'list') return wrongType(report, value, `a list of ${kind}s`) ?? [];
  return value.items.flatMap((item) => {
    const words = ['source', 'target', 'uid', 'gid', 'mode'];
    const fields =
      item.kind === 'object' ? readKeys(report, item, words, `a ${kind} {source, target, ...}`) : undefined;
    const source = fields ? required(report, fields, 'source', `the name of a ${kind}`) : item;
    const name = readText(report, source, `the name of a ${kind}`);
    if (source === undefined || name === undefined) return [];
    const [code, section] =
      kind === 'config' ? (['UNKNOWN_CONFIG', 'configs'] as const) : (['UNKNOWN_SECRET', 'secrets'] as const);
    const content = findDeclared(report, { code, noun: `a ${kind}`, section }, contents[kind], name, source);
    const target = readTarget(report, kind, fields?.get('target'), name);
    const owner = readOwner(report, fields);
    if (content === undefined || content === null || target === undefined) return [];
    return { spot: item, file: { kind, name, target, ...owner, digest: toDigest(content), content } };
  });
}

function readOwner(report: Report, fields: Fields | undefined): Pick<FileSpec, 'mode' | 'uid' | 'gid'> {
  const range = { min: 0, max: MAX_ID };
  return {
    mode: (readMode(report, fields?.get('mode')) ?? DEFAULT_MODE) & ~WRITABLE,
    uid: readInteger(report, fields?.get('uid'), range) ?? 0,
    gid: readInteger(report, fields?.get('gid'), range) ?? 0,
  };
}

/** A relative one is below the place where its kind is by default. */
function readTarget(report: Report, kind: Kind, value: Value | undefined, name: string): string | undefined {
  const text = value === undefined ? name : readText(report, value, 'a path in the container');
  if (text === undefined) return undefined;
  const base = kind === 'config' ? '/' : '/run/secrets/';
  const target = text.endsWith('/') ? undefined : toTarget(text.startsWith('/') ? text : `${base}${text}`);
  if (target === undefined && value) return misread(report, value, 'the path of a file in the container');
  return target;
}

function toDigest(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
