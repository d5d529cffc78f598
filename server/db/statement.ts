import { getTableName, is, Table } from 'drizzle-orm';
import * as tables from './tables.ts';

const TABLES = new Set<string>(
  Object.values(tables).flatMap((table) => (is(table, Table) ? [getTableName(table)] : [])),
);

const TEXT_LITERAL = /'(?:[^']|'')*'/g;
const VERB = /\b(insert|update|delete)\b/;
/** `for update` locks rows, and `on conflict do update` belongs to an insert. */
const OTHER_UPDATE = /\b(?:for|do)\s+(?:no\s+key\s+)?update\b/g;
const TABLE = /\b(?:from|join|into|update|using)\s+(?:only\s+)?"?([a-z_]+)"?(?![a-z_"]*\.)/g;
const FUNCTION = /\b(pg_[a-z_]+)\(/;

/**
 * Names an SQL statement for people who read a log: its verb and tables, `update tasks` or `select stacks, agents`. A
 * statement that reads and writes is named after what it writes.
 */
export function nameOfStatement(text: string): string {
  const plain = text.toLowerCase().replace(TEXT_LITERAL, "''").replace(OTHER_UPDATE, '');
  if (plain.includes('pg_notify(')) return 'notify';
  const verb = VERB.exec(plain)?.[1] ?? /[a-z]+/.exec(plain)?.[0] ?? 'nothing';
  const found = [...plain.matchAll(TABLE)].flatMap(([, name = '']) => (TABLES.has(name) ? [name] : []));
  const subjects = found.length > 0 ? new Set(found) : [FUNCTION.exec(plain)?.[1] ?? ''];
  return `${verb === 'with' ? 'select' : verb} ${[...subjects].join(', ')}`.trim();
}
