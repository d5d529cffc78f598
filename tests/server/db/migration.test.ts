import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, inject, test } from 'vitest';
import { migrateDatabase } from '../../../server/db/connect.ts';
import { createEmptyDatabase, dropDatabase, withAdmin } from '../../support/postgres.ts';

/** What an older Graphium wrote must still work after an update. */
const DRIZZLE = fileURLToPath(new URL('../../../drizzle', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'graphium-migrations-'));
afterAll(() => rmSync(folder, { recursive: true }));

function firstMigrations(count: number): string {
  cpSync(DRIZZLE, folder, { recursive: true });
  const path = join(folder, 'meta', '_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
  return folder;
}

test('dependencies by name become conditions, and a stack knows its last good revision', async () => {
  const url = await createEmptyDatabase(inject('postgresUrl'));
  try {
    await migrateDatabase(url, firstMigrations(2));
    await withAdmin(url, async (sql) => {
      const [stack] = await sql`insert into stacks (name, desired, revision) values ('old', 'RUNNING', 2) returning id`;
      const id = stack?.id as string;
      const services = [
        { name: 'web', dependsOn: ['db', 'cache'] },
        { name: 'db', dependsOn: [] },
        { name: 'cache', dependsOn: [] },
      ];
      for (const number of [1, 2]) {
        await sql`insert into stack_revisions (stack_id, number, format, source, spec, created_by)
        values (${id}, ${number}, 'JSONLD', '{}', ${sql.json({ name: 'old', services } as never)}, 'me')`;
      }
      await sql`insert into deployments (id, stack_id, kind, revision, status, input_hash, created_by, finished_at) values
      (gen_random_uuid(), ${id}, 'DEPLOY', 1, 'SUCCEEDED', '', 'me', now()),
      (gen_random_uuid(), ${id}, 'DEPLOY', 2, 'FAILED', '', 'me', now())`;
      await migrateDatabase(url, DRIZZLE);
      const [row] = await sql`select spec from stack_revisions where stack_id = ${id} and number = 2`;
      const healthy = (service: string) => ({ service, condition: 'HEALTHY', required: true, restart: false });
      expect(row?.spec.services).toEqual([
        { name: 'web', dependsOn: [healthy('db'), healthy('cache')] },
        { name: 'db', dependsOn: [] },
        { name: 'cache', dependsOn: [] },
      ]);
      expect(await sql`select good_revision, auto_repair from stacks`).toMatchObject([
        { good_revision: 1, auto_repair: false },
      ]);
    });
  } finally {
    await dropDatabase(url);
  }
});
