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

test('orphans have a kind of deployment of their own, and words are the new ones, also in what has finished', async () => {
  const url = await createEmptyDatabase(inject('postgresUrl'));
  try {
    await migrateDatabase(url, firstMigrations(4));
    await withAdmin(url, async (sql) => {
      const [stack] = await sql`insert into stacks (name, desired, revision) values ('old', 'RUNNING', 1) returning id`;
      const [agent] = await sql`insert into agents (name) values ('vm1') returning id`;
      const deploy = async (kind: string, services: string[] | null, cause: object | null = null) => {
        const [row] = await sql`
          insert into deployments (id, stack_id, kind, revision, services, cause, input_hash, created_by)
          values (gen_random_uuid(), ${stack?.id}, ${kind}, 1, ${services && sql.json(services)},
            ${cause && sql.json(cause as never)}, '', 'me') returning id`;
        return row?.id as string;
      };
      const task = async (deployment: string, position: number, more: object) => {
        const row = { id: crypto.randomUUID(), deployment_id: deployment, stack_id: stack?.id, agent_id: agent?.id };
        await sql`insert into tasks ${sql({ ...row, kind: 'DELETE', position, spec: { version: 1 }, ...more } as never)}`;
        return row.id;
      };
      const failure = { code: 'EXITED', message: 'it ended', left: 'OLD' };
      await deploy('REPAIR', []);
      await deploy('REPAIR', null);
      await deploy('RESTART', ['web']);
      const failed = await deploy('DEPLOY', null, failure);
      const first = await task(failed, 0, { status: 'FAILED', error: failure, may_fail: true });
      const second = await task(failed, 1, { status: 'COMPLETED', result: { action: 'removed', left: 'NONE' } });
      const third = await task(failed, 2, { barred: true, gates: true, result: { action: 'none', left: 'OLD' } });
      await sql`insert into task_blockers (task_id, blocked_by, required)
        values (${second}, ${first}, false), (${third}, ${first}, true)`;

      await migrateDatabase(url, DRIZZLE);

      expect(
        await sql`select kind, services, cause ->> 'left' as "left" from deployments order by kind, services`,
      ).toEqual([
        { kind: 'DEPLOY', services: null, left: 'PREVIOUS' },
        { kind: 'RESTART', services: ['web'], left: null },
        { kind: 'REPAIR', services: null, left: null },
        { kind: 'REMOVE_ORPHANS', services: null, left: null },
      ]);
      expect(
        await sql`select optional, behind_image_gate, holds_image_gate, error ->> 'left' as error, result ->> 'left' as result
          from tasks order by position`,
      ).toEqual([
        { optional: true, behind_image_gate: false, holds_image_gate: false, error: 'PREVIOUS', result: null },
        { optional: false, behind_image_gate: false, holds_image_gate: false, error: null, result: 'NONE' },
        { optional: false, behind_image_gate: true, holds_image_gate: true, error: null, result: 'PREVIOUS' },
      ]);
      expect(await sql`select optional from task_blockers order by task_id = ${second} desc`).toEqual([
        { optional: true },
        { optional: false },
      ]);
    });
  } finally {
    await dropDatabase(url);
  }
});
