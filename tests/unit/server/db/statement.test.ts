import { expect, test } from 'vitest';
import { nameOfStatement } from '../../../../server/db/statement.ts';

test.each([
  ['select "id", "name" from "stacks" where "stacks"."id" = $1', 'select stacks'],
  [
    'select "tokens"."id" from "tokens" left join "agents" on "agents"."id" = "tokens"."agent_id"',
    'select tokens, agents',
  ],
  ['select * from tasks t join tasks u on u.id = t.id', 'select tasks'],
  ['select "id" from "tasks" where "id" = $1 for update', 'select tasks'],
  ['select id from agents for no key update', 'select agents'],
  ['insert into "audit_log" ("id", "actor") values (default, $1)', 'insert audit_log'],
  ['insert into "placements" ("id") values ($1) on conflict ("id") do update set "agent_id" = $2', 'insert placements'],
  ['update "tasks" set "status" = $1 from "deployments" where true', 'update tasks, deployments'],
  ['DELETE FROM "containers" USING "agents" WHERE true', 'delete containers, agents'],
  ['with held as (select id from tasks) select * from held join agents on true', 'select tasks, agents'],
  ['with gone as (delete from tasks returning id) select * from gone', 'delete tasks'],
  ['select \'delete from tasks\' as text, extract(epoch from now()) from "agents"', 'select agents'],
  ['select 1 from tasks where status is distinct from tasks.kind', 'select tasks'],
  ['select x from jsonb_array_elements_text($1::jsonb) as x', 'select'],
  ['select pg_notify($1, topic) from jsonb_array_elements_text($2::jsonb) as topic', 'notify'],
  ['select pg_advisory_xact_lock(7277343)', 'select pg_advisory_xact_lock'],
  ['', 'nothing'],
])('%s', (text, name) => {
  expect(nameOfStatement(text)).toBe(name);
});
