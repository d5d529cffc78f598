import { expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, type ComposeService, composeFile } from '../support/compose-file.ts';
import { useWorld } from '../support/world.ts';

const HOSTS = ['localhost-docker', 'vm1', 'vm2'] as const;
const world = useWorld();

/** One container on each host; the last one can be broken on request. */
const three = (stack: string, version: string, last: ComposeService = {}, common: ComposeService = {}) => {
  const environment = { VERSION: version };
  return composeFile(stack, {
    first: busy(HOSTS[0], { environment, ...common }),
    second: busy(HOSTS[1], { environment, ...common }),
    third: busy(HOSTS[2], { environment, ...common, ...last }),
  });
};

const SICK: ComposeService = {
  command: ['sh', '-c', "echo cannot reach the database; echo giving up >&2; trap 'exit 0' TERM; sleep 3600 & wait"],
  healthcheck: { test: 'echo "503: no database"; exit 1', interval: '300ms', retries: 3 },
};
const HEALTHY_AFTER = (seconds: number) => ({
  command: ['sh', '-c', `trap 'exit 0' TERM; rm -f /ready; sleep ${seconds}; touch /ready; sleep 3600 & wait`],
  healthcheck: { test: 'test -e /ready', interval: '200ms', retries: 300 },
});

async function versionsOf(stack: string) {
  const all = await Promise.all(HOSTS.map((host) => world.containers(host, stack)));
  return all.flat().map(({ Name, State, Config }) => {
    const version = Config.Env.find((entry) => entry.startsWith('VERSION='))?.slice('VERSION='.length);
    return `${Name.slice(1)} ${State.Status} ${version}`;
  });
}

const everywhere = (stack: string, version: string) => [
  `${stack}-first-1 running ${version}`,
  `${stack}-second-1 running ${version}`,
  `${stack}-third-1 running ${version}`,
];

const stackOf = async (name: string) => {
  type Answer = { stack: { state: string; revision: number; goodRevision: number; drift: { kind: string }[] } };
  const text = 'query ($name: String!) { stack(name: $name) { state revision goodRevision drift { kind } } }';
  return (await world.ask<Answer>(text, { name })).stack;
};

const settled = (name: string) =>
  until(
    () => stackOf(name),
    ({ state, drift }) => state === 'RUNNING' && drift.length === 0,
    { what: `${name} as it should be`, timeoutMs: 5_000 },
  );

test.concurrent('an image that does not exist: no container is touched on any host', async () => {
  await world.succeed(await world.compose(three('ghost', '1')));
  const before = await world.states('ghost');
  const failed = await world.finish(await world.compose(three('ghost', '2', { image: 'graphium/nowhere:2' })));
  expect(failed).toMatchObject({ status: 'ROLLED_BACK', onFailure: 'ROLLBACK', revision: 2, rollbackRevision: 3 });
  expect(failed.cause).toMatchObject({ code: expect.stringMatching(/^(IMAGE_NOT_FOUND|PULL_FAILED)$/), agent: 'vm2' });
  expect(failed.cause?.message).toContain('graphium/nowhere:2');
  expect(failed.tasks.filter(({ kind, attempt }) => kind !== 'PULL' && attempt > 0)).toEqual([]);
  expect(await world.states('ghost')).toEqual(before);
  expect(await settled('ghost')).toMatchObject({ revision: 3, goodRevision: 3 });
  // With the previous file there is nothing to do.
  expect((await world.succeed(await world.compose(three('ghost', '1')))).tasks).toEqual([]);
  await world.remove('ghost');
});

test.concurrent('a health check that fails on one of three hosts: all go back, and the cause is there', async () => {
  await world.succeed(await world.compose(three('ill', '1')));
  const specs = async () => {
    const all = await Promise.all(HOSTS.map((host) => world.containers(host, 'ill')));
    return all.flat().map(({ Config }) => Config.Labels['graphium.spec']);
  };
  const before = await specs();
  const { status, cause, tasks } = await world.finish(await world.compose(three('ill', '2', SICK)));
  expect(status).toBe('ROLLED_BACK');
  expect(cause).toMatchObject({
    code: 'HEALTH_CHECK_FAILED',
    agent: 'vm2',
    containerName: 'ill-third-1',
    left: 'PREVIOUS',
  });
  expect(cause?.healthLog.join('\n')).toContain('503: no database');
  expect(cause?.logs.map((line) => line.trim()).toSorted()).toEqual(['cannot reach the database', 'giving up']);
  expect(tasks.filter(({ rollback }) => rollback).map(({ status }) => status)).not.toContain('FAILED');
  expect(await versionsOf('ill')).toEqual(everywhere('ill', '1'));
  expect(await specs()).toEqual(before);
  expect(await settled('ill')).toMatchObject({ revision: 3, goodRevision: 3 });
  await world.remove('ill');
});

test.concurrent('KEEP leaves what there is; the way to an earlier revision is open', async () => {
  await world.succeed(await world.compose(three('kept', '1')));
  const failed = await world.finish(await world.compose(three('kept', '2', SICK), ', options: { onFailure: KEEP }'));
  expect(failed).toMatchObject({ status: 'FAILED', rollbackRevision: null, cause: { code: 'HEALTH_CHECK_FAILED' } });
  // The agent never leaves a bad container in the place of a good one.
  expect((await versionsOf('kept'))[2]).toBe('kept-third-1 running 1');
  await until(
    () => stackOf('kept'),
    ({ drift }) => drift.some(({ kind }) => kind === 'CHANGED'),
    { what: 'the drift', timeoutMs: 5_000 },
  );
  await world.succeed(await world.compose(three('kept', '3')));
  await world.succeed(await world.compose(three('kept', '4')));
  const back = await world.succeed(await world.operate('rollbackStack', 'kept', ', toRevision: 1'));
  expect(back).toMatchObject({ kind: 'ROLLBACK', revision: 5 });
  expect(await versionsOf('kept')).toEqual(everywhere('kept', '1'));
  // There is nothing before the first one; the way forward again is by its number.
  await expect(world.operate('rollbackStack', 'kept')).rejects.toThrow('no good revision before 1');
  await world.succeed(await world.operate('rollbackStack', 'kept', ', toRevision: 4'));
  expect(await versionsOf('kept')).toEqual(everywhere('kept', '4'));
  expect(await settled('kept')).toMatchObject({ revision: 6, goodRevision: 6 });
  await world.remove('kept');
});

const inPhase = (id: string, phase: string) =>
  until(
    () => world.sql`select 1 from tasks where deployment_id = ${id} and status = 'RUNNING' and phase = ${phase}`,
    (rows) => rows.length > 0,
    { intervalMs: 20, what: `a task in phase ${phase}` },
  );

test.concurrent('a changed file over a half-finished one: the newest wins on every host', async () => {
  await world.succeed(await world.compose(three('over', '1')));
  const half = await world.compose(three('over', '2', HEALTHY_AFTER(60)));
  await inPhase(half, 'VERIFYING');
  const worse = await world.compose(three('over', '3', { image: 'graphium/nowhere:3' }));
  const newest = await world.compose(three('over', '4'));
  await world.succeed(newest);
  expect(await world.finish(half)).toMatchObject({ status: 'SUPERSEDED' });
  expect(await world.finish(worse)).toMatchObject({ status: 'SUPERSEDED' });
  expect(await versionsOf('over')).toEqual(everywhere('over', '4'));
  expect(await settled('over')).toMatchObject({ revision: 4, goodRevision: 4 });
  await world.remove('over');
});

/** Waits until the rollback is running, on vm2 as well. */
const goingBack = (id: string) =>
  until(
    () => world.sql`select 1 from tasks t join agents a on a.id = t.agent_id
      where t.deployment_id = ${id} and t.rollback and t.status = 'RUNNING' and a.name = 'vm1'`,
    (rows) => rows.length > 0,
    { intervalMs: 10, what: 'the rollback' },
  );

test('server and agent killed in the middle of a rollback: still rolled back', async () => {
  const good = HEALTHY_AFTER(1);
  await world.succeed(await world.compose(three('torn', '1', {}, good)));
  for (const [version, kill] of [
    ['2', () => world.server.kill()],
    ['3', () => Promise.all([world.server.kill(), world.agent('vm1').kill()])],
  ] as const) {
    const bad = await world.compose(three('torn', version, { ...SICK }, good));
    await goingBack(bad);
    await kill();
    if (version !== '2') world.agent('vm1').start();
    await world.server.start();
    const { status, cause } = await world.finish(bad);
    expect([status, cause?.code]).toEqual(['ROLLED_BACK', 'HEALTH_CHECK_FAILED']);
    expect(await versionsOf('torn')).toEqual(everywhere('torn', '1'));
  }
  await settled('torn');
  await world.remove('torn');
});

test('a server killed between the failure and the rollback: still rolled back', async () => {
  await world.succeed(await world.compose(three('late', '1')));
  const bad = await world.compose(three('late', '2', SICK));
  await inPhase(bad, 'RESTORING');
  await world.server.kill();
  await world.server.start();
  expect(await world.finish(bad)).toMatchObject({ status: 'ROLLED_BACK', cause: { code: 'HEALTH_CHECK_FAILED' } });
  expect(await versionsOf('late')).toEqual(everywhere('late', '1'));
  await world.remove('late');
});
