/** Reads one service of a Compose file, written here as an object, the way the Compose parser does. */

import { ComposeReader } from '../../../server/stackfile/compose/reader.ts';
import {
  OPTION_KEYS,
  readServiceOptions,
  type ServiceOptions,
} from '../../../server/stackfile/compose/service/service.ts';
import { collectProblems, type Problem } from '../../../server/stackfile/problems.ts';
import { readJson } from '../../../server/stackfile/text.ts';

export type Read = { options: ServiceOptions; problems: Problem[] };

/** The service has an image unless the keys say otherwise; with `image: undefined` it is missing. */
export function read(keys: Record<string, unknown>, variables: Record<string, string> = {}): Read {
  const { reader, problems } = toReader({ image: 'app', ...keys }, variables);
  const fields = reader.map(OPTION_KEYS, 'a service');
  if (!fields) throw new Error('not a map');
  return { options: readServiceOptions(fields, 'web'), problems: problems() };
}

/** Gives what a file without problems says. */
export function options(keys: Record<string, unknown>, variables?: Record<string, string>): ServiceOptions {
  const { options, problems } = read(keys, variables);
  if (problems.length > 0) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return options;
}

export function container(keys: Record<string, unknown>, variables?: Record<string, string>) {
  return options(keys, variables).container;
}

/** Gives the `CODE path` of each problem, in the order of the file. */
export function complaints(keys: Record<string, unknown>): string[] {
  return read(keys).problems.map(({ code, path }) => `${code} ${path}`);
}

/** Gives the message of the only problem. */
export function complaint(keys: Record<string, unknown>): string {
  const { problems } = read(keys);
  if (problems.length !== 1) throw new Error(`expected one problem, found ${JSON.stringify(problems)}`);
  return problems[0]?.message ?? '';
}

/** Makes a reader of a value as it stands in a file, with what is reported about it. */
export function toReader(json: unknown, variables: Record<string, string> = {}) {
  const text = JSON.stringify(json, null, 1);
  const { report, problems } = collectProblems(text);
  const value = readJson(text, report);
  if (!value) throw new Error('no value');
  const context = { report, warn: report, variables: new Map(Object.entries(variables)) };
  return { reader: new ComposeReader(context, value, value), problems };
}
