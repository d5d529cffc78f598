import { composeFile, service } from './compose-file.ts';
import { toArguments, type useSeed } from './seed.ts';

export type Plan = {
  kind: string;
  revision: number;
  isNewRevision: boolean;
  items: { agent: string; containerName: string; action: string; reason: string; differences: object[] }[];
  images: { agent: string; image: string }[];
  downtime: { service: string; expected: boolean; reason: string }[];
  downtimeExpected: boolean;
  changes: number;
  taskCount: number;
  warnings: { code: string; message: string }[];
  planHash: string;
};
const FIELDS = `{ stack kind revision isNewRevision items { agent containerName service replica action reason
  differences { field old new } } images { agent image } downtime { service expected reason } downtimeExpected
  changes taskCount warnings { code message path line column } planHash }`;
export const toQuery = (input: object) => `{ planStack(operation: { ${toArguments(input)} }) ${FIELDS} }`;
export const actionsOf = ({ items }: Plan) =>
  Object.fromEntries(items.map((item) => [item.containerName, item.action]));

/** A stack that is planned upon, on the server of `seed`. */
export function usePlans(seed: ReturnType<typeof useSeed>) {
  const planOf = async (input: object) => (await seed.ask<{ planStack: Plan }>(toQuery(input))).planStack;
  const deployPlan = (source: string, more: object = {}) =>
    planOf({ deploy: { source: { compose: source }, ...more } });
  /** Everything that a user or an agent could notice. */
  async function snapshot() {
    const tables = [
      'stacks',
      'stack_revisions',
      'placements',
      'deployments',
      'tasks',
      'task_blockers',
      'task_events',
      'audit_log',
    ];
    const rows = tables.map((name) => seed.sql`select t::text as row from ${seed.sql(name)} t order by 1`);
    return (await Promise.all(rows)).map((found) => found.map(({ row }) => row));
  }

  let count = 0;
  /** Five containers on one host, up at revision 1. */
  async function story() {
    const name = `plan${++count}`;
    const host = await seed.host(name);
    const services = {
      web: service(name, { environment: { LEVEL: 'info', DB_PASSWORD: 'old-secret', URL: 'http://me:hunter2@db/' } }),
      api: service(name),
      job: service(name, { restart: 'no' }),
      old: service(name),
      db: service(name),
    };
    const file = (change: Record<string, object> = {}) => {
      const { old: _old, ...rest } = services;
      return composeFile(name, { ...rest, ...change } as typeof services);
    };
    await seed.compose(composeFile(name, services));
    await host.work();
    const container = (of: string) => `${name}-${of}-1`;
    return { name, host, services, file, container };
  }

  return { planOf, deployPlan, snapshot, story };
}
