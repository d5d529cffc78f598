/** Environment variables and labels: a map, or a list of "NAME=value" or of {name, value}. */
import { findEnvironmentNameProblem, findLabelProblem } from '../names.ts';
import { quote } from '../problems.ts';
import type { Place } from '../reader.ts';
import type { JsonldReader } from './reader.ts';

type Pair = { place: Place; name: string; value: string };
type PairKind = 'variable' | 'label';

/** `environmentVariable` holds PropertyValue nodes, so an object there is one variable and not a map of them. */
export function readEnvironment(value: JsonldReader, isMap: boolean): Record<string, string> {
  const isSingleNode = value.kind === 'object' && !isMap;
  return toRecord(isSingleNode ? readItem(value, 'variable') : readPairs(value, 'variable'), 'variable');
}

export function readLabels(value: JsonldReader): Record<string, string> {
  return toRecord(readPairs(value, 'label'), 'label');
}

function toRecord(pairs: Pair[], kind: PairKind): Record<string, string> {
  const byName = new Map<string, string>();
  for (const { place, name, value } of pairs) {
    place.checkName(name, kind === 'label' ? findLabelProblem : findEnvironmentNameProblem);
    if (byName.has(name)) place.report('DUPLICATE_NAME', `expected ${quote(name)} only once`);
    byName.set(name, value);
  }
  // Defines each name, so that one called __proto__ is nothing special.
  return Object.fromEntries(byName);
}

function readPairs(value: JsonldReader, kind: PairKind): Pair[] {
  if (value.kind === 'object') {
    return value.entries.map((entry) => ({ place: entry, name: entry.key, value: readText(entry.value) }));
  }
  return (value.list('an object {NAME: value} or a list') ?? []).flatMap((item) => readItem(item, kind));
}

function readItem(item: JsonldReader, kind: PairKind): Pair[] {
  const line = item.stringOrNone;
  if (line !== undefined) return splitLine(item, line, kind);
  const fields = item.node(kind, ['value'], '"NAME=value" or {name, value}');
  if (!fields) return [];
  const place = fields.required('name', 'a name');
  const value = fields.required('value', 'a string');
  const text = readText(value);
  const name = place.stringOrNone;
  return name === undefined || value.isAbsent ? [] : [{ place, name, value: text }];
}

/** The message does not repeat the text, which may be a secret. */
function splitLine(place: Place, line: string, kind: PairKind): Pair[] {
  const sign = line.indexOf('=');
  if (sign >= 0) return [{ place, name: line.slice(0, sign), value: line.slice(sign + 1) }];
  if (kind === 'label') return [{ place, name: line, value: '' }];
  place.report('INVALID_VALUE', 'expected "NAME=value": a host\'s own environment is not passed on');
  return [];
}

function readText(value: JsonldReader): string {
  return value.written ?? value.wrongType('a string, a number, true or false') ?? '';
}
