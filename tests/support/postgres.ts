import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { migrateDatabase, socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { startEmbedded } from '../../server/db/embedded.ts';
import { share } from './shared.ts';

/** One real Postgres for all the tests of a run; every test file gets a database of its own, copied from a template. */
declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [{ embedded }, release] = await share('postgres', start, async ({ embedded, folder }) => {
    await embedded.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  project.provide('postgresUrl', embedded.url);
  return release;
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
