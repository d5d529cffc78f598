/** Reads one service of a Compose file, written here as an object, the way the Compose parser does. */

import { readKeys } from '../../../server/stackfile/compose/keys.ts';
import {
  OPTION_WORDS,
  readServiceOptions,
  type ServiceOptions,
} from '../../../server/stackfile/compose/service/service.ts';
import { type Problem, readSource, type Value } from '../../../server/stackfile/text.ts';

export type Read = { options: ServiceOptions; problems: Problem[] };

/** `image` is there unless the keys say otherwise; with `image: undefined` it is missing. */
export function read(keys: Record<string, unknown>, variables: Record<string, string> = {}): Read {
  const source = readSource(JSON.stringify({ image: 'app', ...keys }, null, 1));
  const fields = readKeys(source.report, source.root ?? undefined, OPTION_WORDS, 'a service');
  if (!fields) throw new Error('not a map');
  const context = { variables: new Map(Object.entries(variables)) };
  return { options: readServiceOptions(source.report, fields, 'web', context), problems: source.problems() };
}

/** What a file without problems says. */
export function options(keys: Record<string, unknown>, variables?: Record<string, string>): ServiceOptions {
  const { options, problems } = read(keys, variables);
  if (problems.length > 0) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return options;
}

export function container(keys: Record<string, unknown>, variables?: Record<string, string>) {
  return options(keys, variables).container;
}

/** `CODE path`, in the order of the file. */
export function complaints(keys: Record<string, unknown>): string[] {
  return read(keys).problems.map(({ code, path }) => `${code} ${path}`);
}

/** The message of the only problem. */
export function complaint(keys: Record<string, unknown>): string {
  const { problems } = read(keys);
  if (problems.length !== 1) throw new Error(`expected one problem, found ${JSON.stringify(problems)}`);
  return problems[0]?.message ?? '';
}

/** A value as it stands in a file, with what was reported about it. */
export function toRead(json: unknown) {
  const source = readSource(JSON.stringify(json));
  if (!source.root) throw new Error('no value');
  return { value: source.root satisfies Value, report: source.report, problems: source.problems };
}
