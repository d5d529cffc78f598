import type { Seed } from './seed.ts';

/** Takes a backup of all that concerns a stack. @returns what restores it, while the hosts remain as they are */
export async function backUp(seed: Seed, name: string): Promise<() => Promise<void>> {
  const tables = ['stacks', 'stack_revisions', 'placements', 'deployments', 'tasks', 'task_blockers', 'task_events'];
  const [stack] = await seed.sql`select * from stacks where name = ${name} and deleted_at is null`;
  const ids = new Set((await seed.sql`select id from tasks`).map(({ id }) => id as string));
  return async () => {
    await seed.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      const newer = (await sql`select id from tasks`).map(({ id }) => id as string).filter((id) => !ids.has(id));
      await sql`delete from task_blockers where task_id = any(${`{${newer}}`}::uuid[])`;
      await sql`delete from task_events where task_id = any(${`{${newer}}`}::uuid[])`;
      await sql`delete from tasks where id = any(${`{${newer}}`}::uuid[])`;
      if (stack) {
        await sql`delete from deployments where stack_id = ${stack.id} and revision > ${stack.revision}`;
        await sql`delete from placements where stack_id = ${stack.id} and revision > ${stack.revision}`;
        await sql`delete from stack_revisions where stack_id = ${stack.id} and number > ${stack.revision}`;
        await sql`update stacks set revision = ${stack.revision}, good_revision = ${stack.good_revision},
          desired = ${stack.desired}, deleted_at = null where id = ${stack.id}`;
      } else {
        for (const table of tables.slice(1, 4))
          await sql`delete from ${sql(table)} where stack_id in (select id from stacks where name = ${name})`;
        await sql`delete from stacks where name = ${name}`;
      }
    });
  };
}
