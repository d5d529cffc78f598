/** `configs` and `secrets` of a Compose file: at the top level what they hold, in a service where they are put. */
import { createHash } from 'node:crypto';
import type { FileSpec } from '../../spec/spec.ts';
import { quote } from '../problems.ts';
import { type Declaration, findDeclared, readDeclaration, readDeclarations } from './declared.ts';
import { type ComposeFields, type ComposeReader, refuseKeys } from './reader.ts';
import { SECRET_MARK } from './redact.ts';
import { type Target, toTarget } from './targets.ts';

export const FILE_KEYS = ['configs', 'secrets'];

type FileKind = FileSpec['kind'];
/** The content by key; null after reporting what is wrong with it. */
export type FileContents = Record<FileKind, Map<string, string | null>>;

const SECTION = { config: 'configs', secret: 'secrets' } as const;
const UNKNOWN = { config: 'UNKNOWN_CONFIG', secret: 'UNKNOWN_SECRET' } as const;
/** Where a file with a relative target goes. */
const BASE_DIRECTORY = { config: '/', secret: '/run/secrets/' };

const REFUSED = {
  file: 'the server has no files beside the Compose file; write it under "content", or name a variable under "environment"',
  driver: 'it belongs to a Swarm; use "content" or "environment"',
  driver_opts: 'it belongs to a Swarm; remove it',
  template_driver: 'it belongs to a Swarm; remove it, variables are put in anyway',
  name: 'nothing is stored under it; remove it',
  labels: 'nothing is stored that could have them; remove them',
};
const DEFAULT_MODE = 0o444;
/** The specification has writing bits ignored. */
const WRITABLE = 0o222;
const ID_RANGE = { min: 0, max: 2 ** 32 - 2 };

export function readFileContents(top: ComposeFields): FileContents {
  const read = (kind: FileKind) => {
    const declarations = readDeclarations(top.get(SECTION[kind]), `${SECTION[kind]} by their names`);
    return new Map(declarations.map((declaration) => [declaration.key, readContent(declaration, kind)]));
  };
  return { config: read('config'), secret: read('secret') };
}

function readContent(declaration: Declaration, kind: FileKind): string | null {
  const keys = ['content', 'environment', 'external', ...Object.keys(REFUSED)];
  const fields = readDeclaration(declaration, keys, `a ${kind} {content} or {environment}`);
  if (!fields) return null;
  const isExternal = refuseExternal(fields, kind);
  // Beside "external", "name" says which one; to refuse both would say the same twice.
  const { name: _, ...refusedBesideExternal } = REFUSED;
  refuseKeys(fields, isExternal ? refusedBesideExternal : REFUSED);
  if (fields.has('content') && fields.has('environment')) {
    fields.keyOf('environment').report('CONFLICTING_FIELDS', 'expected only one of content, environment');
  }
  if (fields.has('content')) return readInlineContent(fields.get('content'), kind) ?? null;
  if (fields.has('environment')) return readVariableContent(fields.get('environment')) ?? null;
  if (isExternal || fields.has('file') || fields.has('driver')) return null;
  const wanted = `"content", or "environment" with the name of a variable, for ${quote(declaration.key)}`;
  return declaration.report('MISSING_FIELD', `expected ${wanted}`) ?? null;
}

function refuseExternal(fields: ComposeFields, kind: FileKind): boolean {
  const value = fields.get('external');
  if (value.isAbsent || (value.kind !== 'object' && value.flag() === false)) return false;
  const wayOut = `there is no store of ${kind}s on a host; write it under "content", or name a variable under "environment"`;
  fields.keyOf('external').refuse(`an external ${kind}`, wayOut);
  return true;
}

function readInlineContent(value: ComposeReader, kind: FileKind): string | undefined {
  const text = value.text('text');
  if (text !== SECRET_MARK) return text;
  const wayOut = kind === 'secret' ? 'write it again, or name a variable under "environment"' : 'write it again';
  const message = `expected the content itself, found what is shown in place of a secret: ${wayOut}`;
  return value.report('SECRET_HIDDEN', message);
}

function readVariableContent(value: ComposeReader): string | undefined {
  const name = value.text('the name of a variable');
  if (name === undefined) return undefined;
  const content = value.context.variables.get(name);
  if (content === undefined) value.report('VARIABLE_MISSING', `expected the variable ${quote(name)} to be set`);
  return content;
}

/** Reads where a service has its configs and secrets. */
export function readFiles(service: ComposeFields, contents: FileContents): { files: FileSpec[]; targets: Target[] } {
  const grants = [
    ...readGrants(service.get('configs'), 'config', contents),
    ...readGrants(service.get('secrets'), 'secret', contents),
  ];
  return { files: grants.map(({ file }) => file), targets: grants.map(({ target }) => target) };
}

type Grant = { target: Target; file: FileSpec };

function readGrants(value: ComposeReader, kind: FileKind, contents: FileContents): Grant[] {
  return (value.list(`a list of ${kind}s`) ?? []).flatMap((item) => readGrant(item, kind, contents) ?? []);
}

/** A grant is the name of a config or secret, or a map with the name under `source`. */
function readGrant(item: ComposeReader, kind: FileKind, contents: FileContents): Grant | undefined {
  const keys = ['source', 'target', 'uid', 'gid', 'mode'];
  const fields = item.kind === 'object' ? item.map(keys, `a ${kind} {source, target, ...}`) : undefined;
  const source = fields ? fields.required('source', `the name of a ${kind}`) : item;
  const name = source.text(`the name of a ${kind}`);
  if (name === undefined) return undefined;
  const reference = { code: UNKNOWN[kind], noun: `a ${kind}`, section: SECTION[kind] };
  const content = findDeclared(reference, contents[kind], name, source);
  const settings = fields ?? item.emptyFields();
  const target = readTarget(settings.get('target'), kind, name);
  const owner = readOwner(settings);
  if (content === undefined || content === null || target === undefined) return undefined;
  const file = { kind, name, target, ...owner, digest: toDigest(content), content };
  return { target: { place: item, path: target }, file };
}

function readOwner(fields: ComposeFields): Pick<FileSpec, 'mode' | 'uid' | 'gid'> {
  return {
    mode: (fields.get('mode').mode() ?? DEFAULT_MODE) & ~WRITABLE,
    uid: fields.get('uid').integer(ID_RANGE) ?? 0,
    gid: fields.get('gid').integer(ID_RANGE) ?? 0,
  };
}

function readTarget(value: ComposeReader, kind: FileKind, name: string): string | undefined {
  const text = value.isAbsent ? name : value.text('a path in the container');
  if (text === undefined) return undefined;
  const path = text.startsWith('/') ? text : `${BASE_DIRECTORY[kind]}${text}`;
  const target = text.endsWith('/') ? undefined : toTarget(path);
  return target ?? value.misread('the path of a file in the container');
}

function toDigest(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
