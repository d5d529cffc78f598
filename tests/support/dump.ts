import type postgres from 'postgres';

/** Every row of every table, as text. */
export async function dump(sql: postgres.Sql): Promise<string> {
  const tables = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
  const rows = await Promise.all(tables.map(({ name }) => sql`select t::text as row from ${sql(name)} t`));
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}
