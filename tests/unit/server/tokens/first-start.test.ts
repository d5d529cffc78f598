import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseEnv } from '../../../../server/base/env.ts';
import { firstStart } from '../../../../server/tokens/first-start.ts';
import type { IssuedToken } from '../../../../server/tokens/issue.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'graphium-first-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const issued = (secret: string) =>
  ({ token: { id: 'id-1', expiresAt: new Date('2030-02-03T04:05:06Z') }, secret }) as IssuedToken;
const told = (isTerminal: boolean, env: NodeJS.ProcessEnv = { GRAPHIUM_DATA: folder }) =>
  firstStart(parseEnv(env), issued('gph_user_admin'), issued('gph_join_host'), isTerminal);

test('a terminal is shown the admin token, and no file has it', () => {
  expect(told(true)).toContain('/#token=gph_user_admin');
  expect(told(true)).toContain('until 2030-02-03');
  expect(readdirSync(folder)).toEqual([]);
});

test('a log is told the file that has the admin token, which only its owner can read', () => {
  const file = join(folder, 'admin-id-1.token');
  const text = told(false);
  expect(text).not.toContain('gph_user_');
  expect(text).toContain(`admin token   in ${file}`);
  expect(text).toContain('--join gph_join_host');
  expect(readFileSync(file, 'utf8')).toBe('gph_user_admin\n');
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
});

test('where no file can be written the token is shown, or nobody would have it', () => {
  const key = join(folder, 'missing', 'secret.key');
  expect(told(false, { GRAPHIUM_SECRET_KEY_FILE: key })).toContain('admin token   gph_user_admin');
});
