/**
 * Compose files (github.com/compose-spec/compose-spec): text in, the normalised spec or every problem of the file out.
 * What needs files beside the Compose file, or what Docker's older engines cannot do, is refused by name.
 */
import { isMap } from 'yaml';
import type { StackSpec } from '../../spec/spec.ts';
import { findStackNameProblem } from '../names.ts';
import {
  collectProblems,
  fieldPath,
  type Position,
  type Problem,
  positionOf,
  type Report,
  WHOLE_TEXT,
} from '../problems.ts';
import { Place } from '../reader.ts';
import { readFileContents } from './files.ts';
import { interpolate } from './interpolate.ts';
import { readNetworks } from './networks.ts';
import { type ComposeFields, ComposeReader, refuseKeys } from './reader.ts';
import { readServices } from './services.ts';
import { toSpec } from './to-spec.ts';
import { toComposeValue } from './tree.ts';
import { Variables } from './variables.ts';
import { readVolumes } from './volumes.ts';
import { follow, keyText, offsetOf, readYaml, type Tree } from './yaml.ts';

export type ComposeOptions = {
  /** Goes before the file's own `name`. */
  name?: string;
  /** All that interpolation and `environment` know. */
  variables: Record<string, string>;
  /** The active ones; `*` activates all. */
  profiles: readonly string[];
};

export type ParsedCompose =
  /** `variableNames` are those that the file refers to, set or not. */
  { ok: true; spec: StackSpec; warnings: Problem[]; variableNames: string[] } | { ok: false; problems: Problem[] };

const REFUSED = {
  include: 'the server has no files beside the Compose file; copy what they hold into this one',
  models: 'run the model as a service of its own',
};
const KEYS = ['version', 'name', 'services', 'networks', 'volumes', 'configs', 'secrets', ...Object.keys(REFUSED)];

/** Never throws. Problems and warnings come in the order of the text. */
export function parseCompose(text: string, options: ComposeOptions): ParsedCompose {
  const { report, problems } = collectProblems(text);
  const { report: warn, problems: warnings } = collectProblems(text);
  const tree = readYaml(text, report);
  if (!tree) return { ok: false, problems: problems() };
  const variables = new Variables(options.variables, warn);
  variables.setProjectName(options.name ?? findName(tree, options.variables) ?? '');
  const { root, unread } = toComposeValue(text, tree, report, variables);
  const reportRead: Report = (code, location, message) => {
    if (!unread.has(location.offset)) report(code, location, message);
  };
  const context = { report: reportRead, warn, variables: variables.known };
  const top = root && new ComposeReader(context, root, root).map(KEYS, 'a Compose file {services, ...}');
  const spec = top && readStack(top, new Place(context, WHOLE_TEXT), options);
  const found = problems();
  if (!spec || found.length > 0) return { ok: false, problems: found.map(naming(warnings())) };
  return { ok: true, spec, warnings: warnings(), variableNames: variables.referenced };
}

/** Often an unset variable is all that is wrong with a value: without it, `app:${TAG}` is no image. */
function naming(warnings: readonly Problem[]): (problem: Problem) => Problem {
  const unset = warnings.filter(({ code }) => code === 'VARIABLE_NOT_SET');
  return (problem) => {
    const here = unset.filter(({ line }) => line === problem.line).map(({ message }) => message);
    return here.length === 0 ? problem : { ...problem, message: `${problem.message} (${here.join('; ')})` };
  };
}

function readStack(top: ComposeFields, wholeText: Place, options: ComposeOptions): StackSpec | undefined {
  refuseKeys(top, REFUSED);
  if (top.has('version')) {
    const message = 'expected no "version": it says nothing since Compose v2; remove it';
    top.keyOf('version').warn('DEPRECATED_FIELD', message);
  }
  const stack = readName(top.get('name'), wholeText, options.name);
  const declared = {
    networks: readNetworks(top.get('networks'), stack),
    volumes: readVolumes(top.get('volumes'), stack),
    contents: readFileContents(top),
  };
  return toSpec(stack, readServices(top, declared, options.profiles), declared);
}

/** Gives the empty text after reporting a bad name. */
function readName(value: ComposeReader, wholeText: Place, given: string | undefined): string {
  const name = given ?? readOwnName(value);
  if (name === undefined) {
    if (!value.isAbsent) return '';
    const message = 'expected the name of the stack: add "name:" to the file, or give the argument "name"';
    return wholeText.report('MISSING_FIELD', message) ?? '';
  }
  const place = given === undefined ? value : wholeText;
  return place.checkName(name, findStackNameProblem) ? name : '';
}

function readOwnName(value: ComposeReader): string | undefined {
  if (value.kind === 'string' || value.kind === 'number') return value.written;
  if (value.isAbsent) return undefined;
  return value.report('WRONG_TYPE', 'expected the name of the stack, a string');
}

/** Finds the name before the rest is read, because the variables of the rest have it as COMPOSE_PROJECT_NAME. */
function findName(tree: Tree, variables: Record<string, string>): string | undefined {
  const value = isMap(tree.root) ? tree.root.items.find(({ key }) => keyText(tree, key) === 'name')?.value : undefined;
  const written = keyText(tree, value);
  if (written === undefined) return undefined;
  const known = new Map(Object.entries(variables));
  const result = interpolate(written, { get: (name) => known.get(name), onUnset() {} });
  return result.ok ? result.text : undefined;
}

/** Finds where the file describes a service. For one that it does not describe, this is the beginning of the text. */
export function locateService(text: string, service: string): Position {
  const tree = readYaml(text, () => {});
  const entry = tree && findEntry(tree, findEntry(tree, tree.root, 'services')?.value, service);
  if (!entry) return positionOf(text, WHOLE_TEXT);
  return positionOf(text, { path: fieldPath('services', service), offset: entry.offset });
}

function findEntry(tree: Tree, node: unknown, key: string): { offset: number; value: unknown } | undefined {
  const map = follow(tree, node);
  const pair = isMap(map) ? map.items.find((item) => keyText(tree, item.key) === key) : undefined;
  const found = follow(tree, pair?.key);
  return pair && found && { offset: offsetOf(found), value: pair.value };
}
