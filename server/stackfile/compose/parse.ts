/**
 * Compose files (github.com/compose-spec/compose-spec): text in, the normalised spec or every problem of the file out.
 * What needs files beside the Compose file, or what Docker's older engines cannot do, is refused by name.
 */
import { isMap } from 'yaml';
import type { StackSpec } from '../../spec/spec.ts';
import type { Fields } from '../fields.ts';
import { findStackNameProblem } from '../names.ts';
import {
  collectProblems,
  fieldPath,
  type Place,
  type Problem,
  placeOf,
  quote,
  type Report,
  TEXT,
  type Value,
} from '../text.ts';
import type { Context } from './declared.ts';
import { readContents } from './files.ts';
import { interpolate } from './interpolate.ts';
import { keySpot, readKeys, refuseKeys } from './keys.ts';
import { readNetworks } from './networks.ts';
import { readServices } from './services.ts';
import { toSpec } from './to-spec.ts';
import { toComposeValue } from './tree.ts';
import { createVariables } from './variables.ts';
import { readVolumes } from './volumes.ts';
import { follow, keyText, offsetOf, readYaml, type Tree } from './yaml.ts';

export type ComposeOptions = {
  /** Goes before the file's own `name`. */
  name?: string;
  /** All that interpolation and `environment` know. */
  variables: Record<string, string>;
  /** The active ones; `*` is all of them. */
  profiles: readonly string[];
};

export type Parsed =
  /** `variableNames`: those that the file refers to, set or not. */
  { ok: true; spec: StackSpec; warnings: Problem[]; variableNames: string[] } | { ok: false; problems: Problem[] };

const REFUSED = {
  include: 'the server has no files beside the Compose file; copy what they hold into this one',
  models: 'run the model as a service of its own',
};
const WORDS = ['version', 'name', 'services', 'networks', 'volumes', 'configs', 'secrets', ...Object.keys(REFUSED)];

/** Never throws. Problems and warnings come in the order of the text. */
export function parseCompose(text: string, options: ComposeOptions): Parsed {
  const { report, problems } = collectProblems(text);
  const { report: warn, problems: warnings } = collectProblems(text);
  const tree = readYaml(text, report);
  if (!tree) return { ok: false, problems: problems() };
  const variables = createVariables(options.variables, warn);
  variables.setProject(options.name ?? findName(tree, options.variables) ?? '');
  const { root, unread } = toComposeValue(text, tree, report, variables);
  const reportRead: Report = (code, spot, message) => {
    if (!unread.has(spot.offset)) report(code, spot, message);
  };
  const context = { report: reportRead, warn, variables: variables.known };
  const top = root && readKeys(reportRead, root, WORDS, 'a Compose file {services, ...}');
  const spec = top && readStack(context, top, options);
  const found = problems();
  if (!spec || found.length > 0) return { ok: false, problems: found };
  return { ok: true, spec, warnings: warnings(), variableNames: variables.names() };
}

function readStack(context: Omit<Context, 'stack'>, top: Fields, options: ComposeOptions) {
  const { report, warn } = context;
  refuseKeys(report, top, REFUSED);
  if (top.get('version')) {
    warn(
      'DEPRECATED_FIELD',
      keySpot(top, 'version'),
      'expected no "version": it says nothing since Compose v2; remove it',
    );
  }
  const whole = { ...context, stack: readName(report, top, options.name) };
  const declared = {
    networks: readNetworks(whole, top.get('networks')),
    volumes: readVolumes(whole, top.get('volumes')),
    contents: readContents(whole, top),
  };
  return toSpec(whole, readServices(whole, top, declared, options.profiles), declared);
}

function readName(report: Report, top: Fields, given: string | undefined): string {
  const value = top.get('name');
  const name = given ?? toName(report, value);
  if (name === undefined) {
    if (!value)
      report(
        'MISSING_FIELD',
        TEXT,
        'expected the name of the stack: add "name:" to the file, or give the argument "name"',
      );
    return '';
  }
  const problem = findStackNameProblem(name);
  if (problem) report('INVALID_NAME', given === undefined && value ? value : TEXT, `${problem}, found ${quote(name)}`);
  return problem ? '' : name;
}

function toName(report: Report, value: Value | undefined): string | undefined {
  if (value?.kind === 'string' || value?.kind === 'number') return value.text;
  if (value) report('WRONG_TYPE', value, 'expected the name of the stack, a string');
  return undefined;
}

/** Ahead of the rest, in whose variables it is COMPOSE_PROJECT_NAME. */
function findName(tree: Tree, variables: Record<string, string>): string | undefined {
  const value = isMap(tree.root) ? tree.root.items.find(({ key }) => keyText(tree, key) === 'name')?.value : undefined;
  const written = keyText(tree, value);
  const known = new Map(Object.entries(variables));
  const result =
    written === undefined ? undefined : interpolate(written, { get: (name) => known.get(name), onUnset() {} });
  return result?.ok ? result.text : undefined;
}

/** Where the file describes a service; the beginning of the text for one that it does not. */
export function locateService(text: string, service: string): Place {
  const tree = readYaml(text, () => {});
  const entry = tree && findEntry(tree, findEntry(tree, tree.root, 'services')?.value, service);
  if (!entry) return placeOf(text, TEXT);
  return placeOf(text, { path: fieldPath('services', service), offset: entry.offset });
}

function findEntry(tree: Tree, node: unknown, key: string): { offset: number; value: unknown } | undefined {
  const map = follow(tree, node);
  const pair = isMap(map) ? map.items.find((item) => keyText(tree, item.key) === key) : undefined;
  const found = follow(tree, pair?.key);
  return pair && found && { offset: offsetOf(found), value: pair.value };
}
