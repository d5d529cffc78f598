import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseEnv } from '../../../../server/base/env.ts';
import { loadKey } from '../../../../server/secrets/key.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'graphium-key-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the key file', () => {
  test('is made when it is not there, for its owner only, and kept', async () => {
    const path = join(folder, 'new', 'folder', 'secret.key');
    const key = await loadKey(path);
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${key.toString('base64')}\n`);
    expect(await loadKey(path)).toEqual(key);
    expect(readdirSync(join(folder, 'new', 'folder'))).toEqual(['secret.key']);
  });

  test('may be made by hand, without a last newline', async () => {
    const path = join(folder, 'key');
    writeFileSync(path, Buffer.alloc(32, 7).toString('base64'), { mode: 0o400 });
    expect(await loadKey(path)).toEqual(Buffer.alloc(32, 7));
  });

  test.each([0o644, 0o640, 0o604, 0o620])('is refused with mode %o', async (mode) => {
    const path = join(folder, 'key');
    await loadKey(path);
    chmodSync(path, mode);
    await expect(loadKey(path)).rejects.toThrow(
      `GRAPHIUM_SECRET_KEY_FILE: ${path} may be read by others (mode 0${mode.toString(8)}); run: chmod 600 ${path}`,
    );
  });

  test.each([
    '',
    '\n',
    'short',
    `${'A'.repeat(44)}\n`,
    `${Buffer.alloc(31).toString('base64')}\n`,
    `x${'A'.repeat(43)}=`,
  ])('is refused with %j inside, and left as it is', async (text) => {
    const path = join(folder, 'key');
    writeFileSync(path, text, { mode: 0o600 });
    await expect(loadKey(path)).rejects.toThrow(/^GRAPHIUM_SECRET_KEY_FILE: .*key holds no key: .*openssl rand/);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('that cannot be is told with its reason', async () => {
    const path = join(folder, 'key');
    mkdirSync(path, { mode: 0o700 });
    await expect(loadKey(path)).rejects.toThrow(/^GRAPHIUM_SECRET_KEY_FILE: .*key cannot be read or made: .*EISDIR/);
    writeFileSync(join(folder, 'file'), '');
    await expect(loadKey(join(folder, 'file', 'key'))).rejects.toThrow(/^GRAPHIUM_SECRET_KEY_FILE: .*ENOTDIR/);
  });

  test('is one for all that start at once in one process', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadKey(join(folder, 'key'))));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['key']);
  });

  test('is one for several processes that start at once', async () => {
    const path = join(folder, 'key');
    // All of them load the module first and wait for the same moment.
    const at = Date.now() + 1_000;
    const keys = await Promise.all(Array.from({ length: 4 }, () => keyOfProcess(path, at)));
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['key']);
  });
});

function keyOfProcess(path: string, at: number): Promise<string> {
  const module = fileURLToPath(new URL('../../../../server/secrets/key.ts', import.meta.url));
  const script = `const { loadKey } = await import(${JSON.stringify(module)});
    while (Date.now() < ${at});
    process.stdout.write((await loadKey(${JSON.stringify(path)})).toString('hex'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => child.once('close', () => resolve(output)));
}

describe('where it is', () => {
  const fileOf = (variables: Record<string, string>) => parseEnv(variables).secretKeyFile;

  test('in the data folder, or where the environment says', () => {
    expect(fileOf({ GRAPHIUM_DATA: '/srv/graphium' })).toBe('/srv/graphium/secret.key');
    expect(fileOf({ GRAPHIUM_DATA: '/srv/graphium', GRAPHIUM_SECRET_KEY_FILE: '/etc/key' })).toBe('/etc/key');
    expect(fileOf({ DATABASE_URL: 'postgres://u@h/d', GRAPHIUM_DATA: '/srv/x' })).toBe('/srv/x/secret.key');
  });

  test('an empty path is a problem among the others', () => {
    expect(() => fileOf({ GRAPHIUM_SECRET_KEY_FILE: '', GRAPHIUM_PORT: 'x' })).toThrow(
      /GRAPHIUM_SECRET_KEY_FILE: expected the path of a file.*GRAPHIUM_PORT/s,
    );
  });
});
