import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPolicy } from '../../../agent/policy-file.ts';

/** Whoever may write the policy file owns the host: containers may do what it says. */
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graphium-policy-'));
  path = join(folder, 'policy.json');
  await writeFile(path, '{"allowBindMounts": ["/srv/data"]}');
});
afterAll(() => rm(folder, { recursive: true }));

test.each([0o400, 0o600, 0o640, 0o644])('mode %o is read', async (mode) => {
  await chmod(path, mode);
  expect(await readPolicy(path)).toMatchObject({ allowBindMounts: ['/srv/data'], allowPrivileged: false });
});

test.each([0o620, 0o602, 0o666, 0o777])('mode %o is refused with the way out', async (mode) => {
  await chmod(path, mode);
  await expect(readPolicy(path)).rejects.toThrow(`mode ${mode.toString(8).padStart(4, '0')}); run: chmod go-w ${path}`);
});

test("another user's file is refused, and root's is read", async () => {
  const own = process.getuid?.() ?? 0;
  await chmod(path, 0o644);
  // The tests run as root; for anybody else the file of another user is one that they cannot make.
  await chown(path, own + 1, -1);
  await expect(readPolicy(path)).rejects.toThrow(`belongs to user ${own + 1}`);
  await chown(path, 0, -1);
  expect(await readPolicy(path)).toMatchObject({ allowBindMounts: ['/srv/data'] });
});
