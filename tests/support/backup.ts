import type { Seed } from './seed.ts';

/** From what refers to what: what comes first is restored first and deleted last. */
const TABLES = [
  ['stacks', 'name = $1'],
  ['stack_revisions', 'stack_id in (select id from stacks where name = $1)'],
  ['placements', 'stack_id in (select id from stacks where name = $1)'],
  ['deployments', 'stack_id in (select id from stacks where name = $1)'],
  ['tasks', 'stack_id in (select id from stacks where name = $1)'],
  ['task_blockers', 'task_id in (select t.id from tasks t join stacks s on s.id = t.stack_id where s.name = $1)'],
  ['task_events', 'task_id in (select t.id from tasks t join stacks s on s.id = t.stack_id where s.name = $1)'],
] as const;

/** Takes a backup of all that concerns a stack. @returns what restores it, while the hosts remain as they are */
export async function backUp(seed: Seed, name: string): Promise<() => Promise<void>> {
  const kept: string[] = [];
  for (const [table, where] of TABLES) {
    const [row] = await seed.sql.unsafe(
      `select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text as rows from ${table} t where ${where}`,
      [name],
    );
    kept.push(row?.rows as string);
  }
  return async () => {
    await seed.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      for (const [table, where] of TABLES.toReversed()) await sql.unsafe(`delete from ${table} where ${where}`, [name]);
      for (const [index, [table]] of TABLES.entries()) {
        await sql.unsafe(
          `insert into ${table} overriding system value select * from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`,
          [kept[index] ?? '[]'],
        );
      }
    });
  };
}
