/** Environment variables and labels: a map, or a list of "NAME=value" or of {name, value}. */
import { type Fields, required, wrongType } from '../fields.ts';
import { findEnvironmentNameProblem, findLabelProblem } from '../names.ts';
import { quote, type Report, type Spot, type Value } from '../text.ts';
import { readNode } from './vocabulary.ts';

type Pair = { spot: Spot; name: string; value: string };
type Kind = 'variable' | 'label';

/** `environmentVariable` holds PropertyValue nodes, so an object there is one variable and not a map of them. */
export function readEnvironment(report: Report, value: Value | undefined, isMap: boolean): Record<string, string> {
  if (!value) return {};
  const isSingleNode = value.kind === 'object' && !isMap;
  return readPairs(report, isSingleNode ? { ...value, kind: 'list', items: [value] } : value, 'variable');
}

export function readLabels(report: Report, value: Value | undefined): Record<string, string> {
  return value ? readPairs(report, value, 'label') : {};
}

function readPairs(report: Report, value: Value, kind: Kind): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of toPairs(report, value, kind)) {
    const problem = kind === 'label' ? findLabelProblem(pair.name) : findEnvironmentNameProblem(pair.name);
    if (problem) report('INVALID_NAME', pair.spot, `${problem}, found ${quote(pair.name)}`);
    if (pairs.has(pair.name)) report('DUPLICATE_NAME', pair.spot, `expected ${quote(pair.name)} only once`);
    pairs.set(pair.name, pair.value);
  }
  // Defines each name, so that one called __proto__ is nothing special.
  return Object.fromEntries(pairs);
}

function toPairs(report: Report, value: Value, kind: Kind): Pair[] {
  if (value.kind === 'object') {
    return value.fields.map((field) => ({ spot: field, name: field.key, value: toText(report, field.value) }));
  }
  if (value.kind === 'list') return value.items.flatMap((item) => toPair(report, item, kind) ?? []);
  wrongType(report, value, 'an object {NAME: value} or a list');
  return [];
}

function toPair(report: Report, item: Value, kind: Kind): Pair | undefined {
  if (item.kind === 'string') return splitPair(report, item.text, item, kind);
  const fields = readNode(report, item, kind, ['value'], '"NAME=value" or {name, value}');
  if (!fields) return undefined;
  return fromNode(report, fields);
}

function fromNode(report: Report, fields: Fields): Pair | undefined {
  const name = required(report, fields, 'name', 'a name');
  const value = required(report, fields, 'value', 'a string');
  const text = value && toText(report, value);
  if (name?.kind !== 'string' || text === undefined) return undefined;
  return { spot: name, name: name.text, value: text };
}

/** The text is not repeated in the message: it may be a secret. */
function splitPair(report: Report, text: string, spot: Spot, kind: Kind): Pair | undefined {
  const sign = text.indexOf('=');
  if (sign >= 0) return { spot, name: text.slice(0, sign), value: text.slice(sign + 1) };
  if (kind === 'label') return { spot, name: text, value: '' };
  report('INVALID_VALUE', spot, 'expected "NAME=value": a host\'s own environment is not passed on');
  return undefined;
}

/** Numbers stay as written, so 1.10 is not cut to 1.1. */
function toText(report: Report, value: Value): string {
  if (value.kind === 'string' || value.kind === 'number') return value.text;
  if (value.kind === 'boolean') return String(value.boolean);
  wrongType(report, value, 'a string, a number, true or false');
  return '';
}
