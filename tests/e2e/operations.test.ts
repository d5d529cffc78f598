import { beforeAll, expect, test } from 'vitest';
import { agentsOnline, startAgent, until } from '../support/agents.ts';
import { busy, type ComposeService, composeFile } from '../support/compose-file.ts';
import { useWorld } from '../support/world.ts';

/** An agent that does one task at a time, on the host of vm1. */
const NARROW = 'narrow';
const world = useWorld();

beforeAll(async () => {
  const host = { ...world.host('vm1'), name: NARROW };
  world.agents.set(NARROW, await startAgent(world.server, host, { env: { GRAPHIUM_TASKS: '1' } }));
  await agentsOnline(world.server, [NARROW]);
});

const readyAfter = (seconds: number, more: ComposeService = {}) => ({
  command: [
    'sh',
    '-c',
    `trap 'exit 0' TERM; rm -f /ready; sleep ${seconds} & wait $$!; touch /ready; sleep 3600 & wait`,
  ],
  healthcheck: { test: 'test -e /ready', interval: '200ms', retries: 500 },
  ...more,
});

const single = (stack: string, more: ComposeService = {}) => composeFile(stack, { web: busy('vm2', more) });

const inPhase = (id: string, phase: string) =>
  until(
    () => world.sql`select 1 from tasks where deployment_id = ${id} and status = 'RUNNING' and phase = ${phase}`,
    (rows) => rows.length > 0,
    { intervalMs: 20, what: `a task in phase ${phase}` },
  );

const cancel = (id: string) => world.ask('mutation ($id: ID!) { cancelDeployment(id: $id) { id } }', { id });

const countOf = async (id: string, status: string) =>
  (await world.sql`select 1 from tasks where deployment_id = ${id} and status = ${status}`).length;

/** How many tasks of one deployment were started after another was asked for and before it was begun. */
async function startedBefore(big: string, other: string): Promise<number> {
  const [row] = await world.sql<{ n: number }[]>`
    select count(*)::int as n from tasks t, deployments d
    where t.deployment_id = ${big} and d.id = ${other} and t.started_at > d.created_at
      and t.started_at < (select min(started_at) from tasks where deployment_id = ${other})`;
  return row?.n ?? Number.NaN;
}

test.concurrent('an urgent deployment overtakes what waits on its host, and a deletion does so by itself', async () => {
  await world.succeed(await world.compose(composeFile('small', { web: busy(NARROW) })));
  const services = Array.from({ length: 12 }, (_, index) => [`s${index}`, busy(NARROW)]);
  const big = await world.compose(composeFile('big', Object.fromEntries(services)));
  await until(
    () => countOf(big, 'COMPLETED'),
    (count) => count >= 2,
    { intervalMs: 20 },
  );
  const urgent = await world.compose(composeFile('urgent', { web: busy(NARROW) }), ', options: { priority: 50 }');
  await world.succeed(urgent);
  const removal = await world.operate('deleteStack', 'small');
  await world.succeed(removal);
  expect(await countOf(big, 'PENDING')).toBeGreaterThan(0);
  expect(await startedBefore(big, urgent)).toBeLessThanOrEqual(1);
  expect(await startedBefore(big, removal)).toBeLessThanOrEqual(1);
  await world.succeed(big);
  await world.remove('big');
  await world.remove('urgent');
});

test.concurrent('a task that takes too long is stopped, and says what it left', async () => {
  const fresh = await world.finish(
    await world.compose(single('slow', readyAfter(60)), ', options: { taskTimeoutSeconds: 1 }'),
  );
  expect(fresh).toMatchObject({ status: 'FAILED', cause: { code: 'DEADLINE_EXCEEDED', containerName: 'slow-web-1' } });
  expect(fresh.cause?.left).toBe('NONE');
  expect(await world.states('slow')).toEqual([]);

  await world.succeed(await world.compose(single('slow')));
  const before = await world.states('slow');
  const options = ', options: { taskTimeoutSeconds: 1, onFailure: KEEP }';
  const failed = await world.finish(await world.compose(single('slow', readyAfter(60)), options));
  expect(failed).toMatchObject({ status: 'FAILED', cause: { code: 'DEADLINE_EXCEEDED', left: 'PREVIOUS' } });
  const after = await world.states('slow');
  expect(after.map(({ id, running }) => [id, running])).toEqual(before.map(({ id }) => [id, true]));
  await world.remove('slow');
});

test.concurrent('a deployment without a verdict at its deadline is rolled back', async () => {
  await world.succeed(await world.compose(single('late')));
  const before = await world.containers('vm2', 'late');
  const failed = await world.finish(
    await world.compose(single('late', readyAfter(60)), ', options: { timeoutSeconds: 1 }'),
  );
  expect(failed).toMatchObject({ status: 'ROLLED_BACK', cause: { code: 'DEADLINE_EXCEEDED' } });
  const after = await world.containers('vm2', 'late');
  expect(after.map(({ State, Config }) => [State.Running, Config.Labels['graphium.spec']])).toEqual(
    before.map(({ Config }) => [true, Config.Labels['graphium.spec']]),
  );
  await world.remove('late');
});

test.concurrent('cancelled before the new container is good: PREVIOUS, and it runs; done again, it is the new one', async () => {
  await world.succeed(await world.compose(single('undecided')));
  const before = await world.states('undecided');
  const id = await world.compose(single('undecided', readyAfter(3)));
  await inPhase(id, 'VERIFYING');
  await cancel(id);
  const { status, tasks } = await world.finish(id);
  expect(status).toBe('CANCELLED');
  expect(tasks).toMatchObject([{ status: 'CANCELLED', result: { left: 'PREVIOUS', containerId: before[0]?.id } }]);
  const after = await world.states('undecided');
  expect(after.map((one) => [one.id, one.name, one.running])).toEqual([[before[0]?.id, 'undecided-web-1', true]]);

  const again = await world.ask<{ retryDeployment: { id: string } }>(
    'mutation ($id: ID!) { retryDeployment(id: $id) { id } }',
    { id },
  );
  const { tasks: retried } = await world.succeed(again.retryDeployment.id);
  expect(retried).toMatchObject([{ result: { left: 'NEW' } }]);
  expect((await world.states('undecided'))[0]?.id).toBe(retried[0]?.result?.containerId);
  await world.remove('undecided');
});

test.concurrent('cancelled when the new container was good already: NEW, and it runs', async () => {
  const file = (version: string) =>
    composeFile('decided', {
      web: busy('vm2', {
        environment: { VERSION: version },
        command: ['sh', '-c', "trap 'sleep 3; exit 0' TERM; sleep 3600 & wait"],
        deploy: { placement: { constraints: ['node.hostname==vm2'] }, update_config: { order: 'start-first' } },
      }),
      next: busy('vm1', { environment: { VERSION: version }, depends_on: { web: { condition: 'service_healthy' } } }),
    });
  await world.succeed(await world.compose(file('1')));
  const before = await world.states('decided');
  const id = await world.compose(file('2'));
  await inPhase(id, 'STOPPING');
  await cancel(id);
  const { status, tasks } = await world.finish(id);
  expect(status).toBe('CANCELLED');
  const web = tasks.find(({ containerName }) => containerName === 'decided-web-1');
  expect(web).toMatchObject({ status: 'COMPLETED', result: { left: 'NEW' } });
  const [next, now, ...others] = await world.states('decided');
  expect(others).toEqual([]);
  expect([next, now?.id, now?.running]).toEqual([before[0], web?.result?.containerId, true]);
  expect(now?.id).not.toBe(before[1]?.id);
  await world.remove('decided');
});

test.concurrent('cancelled before anything was there: NONE, and nothing is', async () => {
  const id = await world.compose(single('nothing', readyAfter(60)));
  await inPhase(id, 'VERIFYING');
  await cancel(id);
  const { status, tasks } = await world.finish(id);
  expect(status).toBe('CANCELLED');
  expect(tasks.find(({ kind }) => kind === 'DEPLOY')).toMatchObject({ status: 'CANCELLED', result: { left: 'NONE' } });
  expect(await world.states('nothing')).toEqual([]);
  await world.remove('nothing');
});

test.concurrent('a plan holds for as long as the hosts are as it saw them', async () => {
  type Plan = { planHash: string; items: { action: string; containerName: string }[] };
  const file = (version: string) => single('agreed', { environment: { VERSION: version } });
  await world.succeed(await world.compose(file('1')));
  const planOf = async () => {
    const text = `query ($file: String!) { planStack(operation: { deploy: { source: { compose: $file } } }) {
      planHash items { action containerName } } }`;
    return (await world.ask<{ planStack: Plan }>(text, { file: file('2') })).planStack;
  };
  const { planHash, items } = await planOf();
  expect(items).toEqual([{ action: 'REPLACE', containerName: 'agreed-web-1' }]);
  const before = await world.states('agreed');
  await world.engine('vm2').getContainer('agreed-web-1').remove({ force: true });
  await until(planOf, (plan) => plan.items[0]?.action === 'CREATE', { what: 'its absence', timeoutMs: 5_000 });
  await expect(world.compose(file('2'), `, options: { planHash: "${planHash}" }`)).rejects.toThrow('PLAN_CHANGED');
  expect(await world.states('agreed')).toEqual([]);
  expect(before).toHaveLength(1);
  await world.succeed(await world.compose(file('2'), `, options: { planHash: "${(await planOf()).planHash}" }`));
  await world.remove('agreed');
});

test('a global service follows the agents that come and go', async () => {
  const placement = { constraints: [`node.hostname!=${NARROW}`] };
  const file = composeFile('all', { web: { ...busy('vm1'), deploy: { mode: 'global', placement } } });
  await world.succeed(await world.compose(file));
  const before = await world.states('all');
  expect(before).toHaveLength(3);
  const extra = { ...world.host('vm2'), name: 'extra' };
  world.agents.set('extra', await startAgent(world.server, extra));
  const nameOf = async () =>
    (await world.engine('vm2').listContainers({ filters: { label: ['graphium.agent=extra'] } })).map(
      ({ Names }) => Names[0]?.slice(1) ?? '',
    );
  await until(nameOf, (names) => names.length === 1, { timeoutMs: 15_000, what: 'its container' });
  expect(await nameOf()).toEqual(['all-web-4']);
  expect(await world.states('all')).toEqual(before);
  await world.ask('mutation { removeAgent(name: "extra", force: true) { name } }');
  const wanted = 'query { stack(name: "all") { state wanted { agent } } }';
  type Answer = { stack: { state: string; wanted: { agent: string }[] } };
  await until(
    () => world.ask<Answer>(wanted),
    ({ stack }) => stack.wanted.length === 3 && stack.state === 'RUNNING',
    { timeoutMs: 15_000, what: 'a stack without it' },
  );
  expect(await world.states('all')).toEqual(before);
  // The containers on the host of a removed agent are left alone.
  await world.engine('vm2').getContainer('all-web-4').remove({ force: true });
  await world.remove('all');
});
