import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backUp } from '../../support/backup.ts';
import { composeFile, service } from '../../support/compose-file.ts';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';

/** Random histories of what people, failures, dead hosts and restored backups do to one stack. */
const seed = useSeed();

const SERVICES = ['a', 'b', 'c'] as const;
type Service = (typeof SERVICES)[number];
type Step =
  | { do: 'deploy'; services: Service[]; image: number; move: boolean; onFailure: 'KEEP' | 'ROLLBACK' }
  | { do: 'work'; fail: Service | null; hosts: number[] }
  | { do: 'cancel' | 'delete' | 'stop' | 'start' | 'rollback' | 'sweep' | 'backUp' | 'restore' }
  | { do: 'lose'; host: number };

const services = fc.subarray([...SERVICES], { minLength: 1 });
const onFailure = fc.constantFrom('KEEP' as const, 'ROLLBACK' as const);
const deploy = fc.record({
  do: fc.constant('deploy' as const),
  services,
  image: fc.integer({ min: 1, max: 2 }),
  move: fc.boolean(),
  onFailure,
});
const work = fc.record({
  do: fc.constant('work' as const),
  fail: fc.option(fc.constantFrom(...SERVICES)),
  hosts: fc.constantFrom([0, 1], [0], [1]),
});
const often = fc.record({ do: fc.constantFrom('cancel', 'delete', 'sweep') });
const other = fc.record({ do: fc.constantFrom('stop', 'start', 'rollback', 'backUp', 'restore') });
const lose = fc.record({ do: fc.constant('lose' as const), host: fc.constantFrom(0, 1) });
const step = fc.oneof(
  { weight: 4, arbitrary: deploy },
  { weight: 5, arbitrary: work },
  { weight: 6, arbitrary: often },
  { weight: 3, arbitrary: other },
  { weight: 1, arbitrary: lose },
) as fc.Arbitrary<Step>;

let count = 0;

/** One stack on two hosts, and what a person would say of it: what came up, and whether it was asked to go. */
async function story() {
  const name = `history${++count}`;
  const all = [await seed.host(`${name}-h1`), await seed.host(`${name}-h2`)];
  /** What the last operation that came up has placed: nobody but a person takes it away. */
  let good = new Set<string>();
  /** Whether a person's deletion stands: it was not cancelled, and nothing was deployed since. */
  let isToGo = false;
  let restore: (() => Promise<void>) | undefined;
  const removed: string[] = [];

  const latest = async () => {
    const [row] = await seed.sql`select d.id, d.kind, d.status, s.desired from deployments d
      join stacks s on s.id = d.stack_id where s.name = ${name} order by d.created_at desc limit 1`;
    return row as { id: string; kind: string; status: string; desired: string } | undefined;
  };
  const there = () => new Set(all.flatMap((host) => host.names().map((one) => `${host.agent.name}/${one}`)));

  /** Lets hosts work, and notes what went although no person asked for it. */
  async function watch(doWork: () => Promise<unknown>): Promise<void> {
    const before = there();
    await doWork();
    const now = there();
    const [row] = await seed.sql`select json_agg(distinct d.id) as ids from deployments d
      join stacks s on s.id = d.stack_id join tasks t on t.deployment_id = d.id
      where s.name = ${name} and d.created_by <> 'graphium' and t.status in ('RUNNING', 'COMPLETED')`;
    const asked = new Set((row?.ids as string[] | null) ?? []);
    for (const one of before) {
      if (now.has(one) || !good.has(one)) continue;
      const [host = '', container = ''] = one.split('/');
      const [task] = await seed.sql`select t.deployment_id::text as deployment from tasks t
        join agents on agents.id = t.agent_id where agents.name = ${host} and t.container_name = ${container}
        and t.kind = 'DELETE' and t.status = 'COMPLETED' order by t.finished_at desc limit 1`;
      if (!task || !asked.has(task.deployment as string)) removed.push(`${one} by ${task?.deployment ?? 'nobody'}`);
    }
    await note();
  }

  /** What has come up is good; what a person's deletion is at work on may go. */
  async function note(): Promise<void> {
    const [row] = await seed.sql`select d.kind, d.status, s.good_revision = s.revision as "isGood"
      from deployments d join stacks s on s.id = d.stack_id where s.name = ${name}
      order by d.created_at desc limit 1`;
    if (isToGo) good = new Set();
    else if (row?.isGood && row.status === 'SUCCEEDED' && row.kind !== 'STOP') {
      const placed = await seed.sql`select agents.name as host, p.container_name as container from placements p
        join stacks s on s.id = p.stack_id and s.revision = p.revision join agents on agents.id = p.agent_id
        where s.name = ${name} and s.deleted_at is null`;
      good = new Set(placed.map(({ host, container }) => `${host}/${container}`));
    }
  }

  async function keepBackup(): Promise<void> {
    const [whole, wasToGo] = [await backUp(seed, name), isToGo];
    restore = async () => {
      await whole();
      isToGo = wasToGo;
    };
  }

  const file = ({ services: wanted, image, move }: Extract<Step, { do: 'deploy' }>) =>
    composeFile(
      name,
      Object.fromEntries(
        wanted.map((one) => [
          one,
          service(`${name}-h${(SERVICES.indexOf(one) + Number(move)) % 2 === 0 ? 1 : 2}`, { image: `app:${image}` }),
        ]),
      ),
    );
  /** A person may well be refused; that changes nothing. */
  const tryTo = (field: string, args: object) =>
    seed.run(field, args as Record<string, unknown>).catch(() => undefined);

  async function deployAnew(one: Extract<Step, { do: 'deploy' }>): Promise<void> {
    const options = { onFailure: one.onFailure };
    if (await tryTo('deployStack', { source: { compose: file(one) }, options })) isToGo = false;
  }

  async function cancelLatest(): Promise<void> {
    const last = await latest();
    if (last && (await tryTo('cancelDeployment', { id: last.id })) && last.kind === 'DELETE') isToGo = false;
  }

  async function lose(host: FakeHost | undefined): Promise<void> {
    if (!host) return;
    await host.start();
    await seed.expire(host.agent);
    await seed.sweep();
    await host.agent.open();
  }

  async function sweepLater(): Promise<void> {
    await seed.sql`update deployments set finished_at = finished_at - interval '2 minutes' where finished_at is not null`;
    await seed.sweep();
    await watch(() => workAll(all));
  }

  async function workWith({ fail, hosts: chosen }: Extract<Step, { do: 'work' }>): Promise<void> {
    const failures = fail === null ? {} : { [`${name}-${fail}-1`]: BAD };
    const some = chosen.flatMap((index) => all[index] ?? []);
    await watch(() => workAll(some, failures));
  }

  async function ask(what: 'delete' | 'stop' | 'start' | 'rollback'): Promise<void> {
    const isAccepted = (await tryTo(`${what}Stack`, { name })) !== undefined;
    if (what === 'delete' && isAccepted) isToGo = true;
  }

  const plain = {
    cancel: cancelLatest,
    sweep: sweepLater,
    backUp: keepBackup,
    // What is good on the hosts stays good; the database may know of less.
    restore: async () => restore?.(),
    delete: () => ask('delete'),
    stop: () => ask('stop'),
    start: () => ask('start'),
    rollback: () => ask('rollback'),
  };

  async function take(one: Step): Promise<void> {
    if (one.do === 'deploy') return deployAnew(one);
    if (one.do === 'lose') return lose(all[one.host]);
    if (one.do === 'work') return workWith(one);
    return plain[one.do]();
  }
  return { take, watch, removed, all };
}

test('no container that was good is ever removed but by what a person asked for', { timeout: 120_000 }, async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const { take, removed, watch, all } = await story();
      await take({ do: 'deploy', services: ['a', 'b'], image: 1, move: false, onFailure: 'KEEP' });
      await watch(() => workAll(all));
      for (const one of steps) await take(one);
      for (let again = 0; again < 2; again++) await take({ do: 'sweep' });
      histories++;
      expect(removed).toEqual([]);
    }),
    { numRuns: 30, endOnFailure: false },
  );
  expect(histories).toBeGreaterThanOrEqual(30);
});
