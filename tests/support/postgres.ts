import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { migrateDatabase, socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { startEmbedded } from '../../server/db/embedded.ts';

/** One real Postgres for all the tests of a run; every test file gets a database of its own, copied from a template. */
declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

type Shared = { users: number; started: ReturnType<typeof start> };

/** Every vitest project loads its own copy of this module, so the one Postgres of all of them hangs on the process. */
const shelf: { [key: symbol]: Shared | undefined } = globalThis;
const key = Symbol.for('graphium.tests.postgres');

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = shelf[key] ?? { users: 0, started: start() };
  shelf[key] = shared;
  shared.users++;
  const { embedded, folder } = await shared.started;
  project.provide('postgresUrl', embedded.url);
  return async () => {
    if (--shared.users > 0) return;
    shelf[key] = undefined;
    await embedded.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

export const TEMPLATE = 'graphium_template';

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-pg-'));
  const embedded = await startEmbedded(folder, pino({ level: 'warn' }), { settings: ['fsync=off'] });
  await withAdmin(embedded.url, (sql) => sql.unsafe(`create database ${TEMPLATE}`));
  await migrateDatabase(toDatabase(embedded.url, TEMPLATE), fileURLToPath(new URL('../../drizzle', import.meta.url)));
  return { embedded, folder };
}

/** @returns the URL of a new, migrated, empty database with a cluster id of its own */
export async function createDatabase(postgresUrl: string): Promise<string> {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  await withAdmin(postgresUrl, (sql) => sql.unsafe(`create database ${name} template ${TEMPLATE}`));
  const url = toDatabase(postgresUrl, name);
  await withAdmin(url, (sql) => sql`update cluster set id = gen_random_uuid()`);
  return url;
}

/** @returns the URL of a new database without any table */
export async function createEmptyDatabase(postgresUrl: string): Promise<string> {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  await withAdmin(postgresUrl, (sql) => sql.unsafe(`create database ${name}`));
  return toDatabase(postgresUrl, name);
}

export async function dropDatabase(url: string): Promise<void> {
  const name = new URL(url.replace('@/', '@localhost/')).pathname.slice(1);
  await withAdmin(toDatabase(url, 'postgres'), (sql) => sql.unsafe(`drop database if exists ${name} with (force)`));
}

export const toDatabase = (url: string, name: string) => url.replace(/@\/\w+\?/, `@/${name}?`);

export async function withAdmin(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(toOptionsUrl(url), { ...socketOptions(url), max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
