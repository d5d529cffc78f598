import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isEnumType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, TASK_ERROR_CODES } from '../../../../server/base/errors.ts';
import { schema } from '../../../../server/http/schema.ts';

/** The catalogue of error codes is complete, and the README has all of it. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const textOf = (folder: string): string =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(`${ROOT}${folder}/${path}`, 'utf8'))
    .join('\n')
    .replace(/^\s*\*.*$/gm, '');

const wordsOf = (text: string, pattern: RegExp): Set<string> =>
  new Set([...text.matchAll(pattern)].map(([, word]) => word ?? ''));

const agent = textOf('agent');
const wordsOfAgent = wordsOf(agent, /['"`]([A-Z][A-Z0-9_]{2,})['"`]/g);

/** What the agent writes in capitals besides the words of the API: its own troubles with the server, and the system's words. */
const OTHER_WORDS = ['NETWORK', 'CLOSED', 'STREAM_REFUSED', 'BAD_ANSWER', 'REPLACED'].concat([
  'GET',
  'PUT',
  'POST',
  'SIGTERM',
  'SIGINT',
  'ENOENT',
  'EEXIST',
  'NET_ADMIN',
]);

describe('the agent', () => {
  test('fails tasks with no code that the catalogue does not have', () => {
    const enums = Object.values(schema.getTypeMap()).filter(isEnumType);
    const ofTheApi = enums
      .filter(({ name }) => name !== 'TaskErrorCode')
      .flatMap((type) => type.getValues().map(({ name }) => name));
    const known = new Set([...Object.keys(TASK_ERROR_CODES), ...ofTheApi, ...OTHER_WORDS]);
    expect([...wordsOfAgent].filter((word) => !known.has(word) && !word.startsWith('GRAPHIUM_'))).toEqual([]);
  });

  test('has every code of the catalogue that is not of the server', () => {
    const server = wordsOf(textOf('server'), /'([A-Z][A-Z_]+)'/g);
    const own = Object.keys(TASK_ERROR_CODES).filter((code) => !wordsOfAgent.has(code));
    expect(own.toSorted()).toEqual(['AGENT_LOST', 'DEADLINE_EXCEEDED', 'SECRET_KEY_MISMATCH', 'UNKNOWN']);
    expect(own.filter((code) => !server.has(code))).toEqual([]);
  });
});

test.each([
  ['of requests', ERROR_CODES],
  ['of tasks', TASK_ERROR_CODES],
])('the README has the codes %s, in order', (_kind, codes) => {
  const table = Object.entries(codes).map(([code, description]) => `| \`${code}\` | ${description} |\n`);
  expect(readFileSync(`${ROOT}README.md`, 'utf8')).toContain(table.join(''));
});
