import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, composeFile } from '../support/compose-file.ts';
import { STAY } from '../support/stack-file.ts';
import { openWire } from '../support/wire.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

type Drift = { kind: string; agent: string; containerName: string; service: string | null };
const DRIFT = 'kind agent containerName service';

const driftOf = async (stack: string) => {
  const text = `query ($stack: String!) { stack(name: $stack) { drift { ${DRIFT} } } }`;
  return (await world.ask<{ stack: { drift: Drift[] } }>(text, { stack })).stack.drift;
};

const toLines = (drift: readonly Drift[]) =>
  drift.map(({ kind, agent, containerName }) => `${kind} ${containerName} on ${agent}`).toSorted();

/** Expects it within five seconds, before a user would look again. */
const drifts = (stack: string, lines: readonly string[], timeoutMs = 5_000) =>
  until(
    () => driftOf(stack).then(toLines),
    (found) => JSON.stringify(found) === JSON.stringify([...lines].toSorted()),
    { timeoutMs, intervalMs: 50, what: `drift ${lines.join(', ')}` },
  );

const labelsOf = async (host: string, container: string) =>
  (await world.engine(host).getContainer(container).inspect()).Config.Labels;

/** Makes a container as a restored snapshot would, or somebody who copies our labels. */
async function makeByHand(host: string, name: string, labels: Record<string, string>): Promise<Docker.Container> {
  const container = await world
    .engine(host)
    .createContainer({ name, Image: 'busybox:latest', Cmd: STAY, Labels: labels });
  await container.start();
  return container;
}

const namesOn = async (host: string) =>
  (await world.engine(host).listContainers({ all: true })).flatMap(({ Names }) => Names.map((name) => name.slice(1)));

/** Waits for so many sweeps that began after now, and for all that follows from them. */
async function sweeps(count: number): Promise<void> {
  const signOfLife = async () => String((await world.sql`select max(alive_at)::text as at from servers`)[0]?.at);
  for (let seen = 0; seen <= count; seen++) {
    const before = await signOfLife();
    await until(signOfLife, (now) => now !== before, { intervalMs: 50, what: 'a sweep' });
  }
}

const countRepairs = async (stack: string) =>
  (
    await world.sql`select 1 from deployments d join stacks s on s.id = d.stack_id
      where s.name = ${stack} and d.kind = 'REPAIR' and d.created_by = 'graphium'`
  ).length;

test.concurrent('what somebody does to containers shows at once, and is mended when asked', async () => {
  const kept = { restart: 'unless-stopped' };
  const file = composeFile('moved', {
    gone: busy('vm1', kept),
    halted: busy('vm1', kept),
    sick: busy('vm2', { ...kept, healthcheck: { test: 'test ! -e /ill', interval: '200ms', retries: 3 } }),
    well: busy('localhost-docker', kept),
  });
  await world.succeed(await world.compose(file));
  const before = await world.states('moved');
  const wire = await openWire(world.server.url, { authorization: `Bearer ${world.server.adminToken}` });
  const feed = wire.subscribe<{ drift: Drift[] }>(`subscription { drift(stack: "moved") { ${DRIFT} } }`);
  expect((await feed.next())?.data?.drift).toEqual([]);

  await world.engine('vm1').getContainer('moved-gone-1').remove({ force: true });
  await drifts('moved', ['MISSING moved-gone-1 on vm1']);
  await world.engine('vm1').getContainer('moved-halted-1').stop({ t: 1 });
  await drifts('moved', ['MISSING moved-gone-1 on vm1', 'STOPPED moved-halted-1 on vm1']);
  const stranger = { ...(await labelsOf('vm1', 'moved-halted-1')), 'graphium.replica': '7' };
  await makeByHand('vm1', 'moved-halted-7', stranger);
  const exec = await world
    .engine('vm2')
    .getContainer('moved-sick-1')
    .exec({ Cmd: ['touch', '/ill'] });
  await exec.start({});
  const all = [
    'MISSING moved-gone-1 on vm1',
    'NOT_WANTED moved-halted-7 on vm1',
    'STOPPED moved-halted-1 on vm1',
    'UNHEALTHY moved-sick-1 on vm2',
  ];
  await drifts('moved', all);
  for (let told: string[] = []; told.length < all.length; ) told = toLines((await feed.next())?.data?.drift ?? []);

  // Nothing is done without being asked for.
  expect(await countRepairs('moved')).toBe(0);
  // The file that it tests survives a restart.
  const mend = await world
    .engine('vm2')
    .getContainer('moved-sick-1')
    .exec({ Cmd: ['rm', '/ill'] });
  await mend.start({});
  await world.succeed(await world.operate('repairStack', 'moved'));
  await drifts('moved', []);
  for (let told = ['']; told.length > 0; ) told = toLines((await feed.next())?.data?.drift ?? []);
  await wire.close();
  const after = await world.states('moved');
  expect(after.map(({ name, running }) => [name, running])).toEqual(before.map(({ name }) => [name, true]));
  const well = ({ name }: { name: string }) => name === 'moved-well-1';
  expect(after.filter(well)).toEqual(before.filter(well));
  await world.remove('moved');
});

test.concurrent('what runs though its stack is stopped is drift too', async () => {
  await world.succeed(await world.compose(composeFile('halt', { web: busy('vm1') })));
  await world.succeed(await world.operate('stopStack', 'halt'));
  await drifts('halt', []);
  await world.engine('vm1').getContainer('halt-web-1').start();
  await drifts('halt', ['RUNNING halt-web-1 on vm1']);
  await world.remove('halt');
});

test.concurrent('a stack that repairs itself does so, and ever more seldom', async () => {
  const file = composeFile('self', { web: busy('vm1'), other: busy('vm2') });
  await world.succeed(await world.compose(file, ', autoRepair: true'));
  const [, web] = await world.states('self');
  const kill = () => world.engine('vm1').getContainer('self-web-1').remove({ force: true });
  const waitUntil = (moment: string) =>
    world.sql`update stacks set repair_not_before = now() + ${moment}::interval where name = 'self'`;
  const waitsFor = async () => {
    const [row] = await world.sql<{ seconds: number }[]>`
      select extract(epoch from s.repair_not_before - d.created_at)::float as seconds
      from stacks s join deployments d on d.stack_id = s.id where s.name = 'self' order by d.created_at desc limit 1`;
    return row?.seconds;
  };
  const isAtRest = async () =>
    (
      await world.sql`select 1 from deployments d join stacks s on s.id = d.stack_id
        where s.name = 'self' and d.finished_at is null`
    ).length === 0;
  let last = web?.id;
  async function expectRepair(repairs: number, seconds: number): Promise<void> {
    const states = await until(
      () => world.states('self'),
      (found) => found.some(({ name, id, running }) => name === 'self-web-1' && running && id !== last),
      { timeoutMs: 12_000, what: 'its repair' },
    );
    last = states.find(({ name }) => name === 'self-web-1')?.id;
    expect(await countRepairs('self')).toBe(repairs);
    // Counted from when the sweep looked, which is a little before there is a deployment.
    expect(await waitsFor()).toBeGreaterThan(seconds - 5);
    expect(await waitsFor()).toBeLessThanOrEqual(seconds);
    await drifts('self', [], 10_000);
    // A repair that is at work would make again what goes away meanwhile.
    await until(isAtRest, Boolean, { timeoutMs: 10_000, what: 'the end of the repair' });
    // As long as it has to wait it does, whatever is missing.
    await waitUntil('1 h');
    await kill();
    await drifts('self', ['MISSING self-web-1 on vm1']);
    await sweeps(1);
    expect(await countRepairs('self')).toBe(repairs);
  }

  // Somebody takes it away again and again.
  await kill();
  await expectRepair(1, 10);
  await waitUntil('0 s');
  await expectRepair(2, 20);
  await world.ask('mutation { setAutoRepair(name: "self", enabled: false) { autoRepair } }');
  await waitUntil('0 s');
  await sweeps(1);
  expect(await countRepairs('self')).toBe(2);
  // When it is switched on again, it starts from the beginning.
  await world.ask('mutation { setAutoRepair(name: "self", enabled: true) { autoRepair } }');
  await drifts('self', [], 12_000);
  await world.remove('self');
});

test.concurrent('what Graphium removed and comes back is removed within a minute', async () => {
  const both = composeFile('back', { web: busy('vm1'), old: busy('vm2') });
  await world.succeed(await world.compose(both));
  await world.succeed(await world.compose(composeFile('gone', { a: busy('vm1'), b: busy('vm2') })));
  const [old, a, b] = await Promise.all([
    labelsOf('vm2', 'back-old-1'),
    labelsOf('vm1', 'gone-a-1'),
    labelsOf('vm2', 'gone-b-1'),
  ]);
  // One stack is deleted, and the other loses a service.
  await world.succeed(await world.compose(composeFile('back', { web: busy('vm1') })));
  const before = await world.states('back');
  await world.remove('gone');
  await makeByHand('vm2', 'back-old-1', old);
  await makeByHand('vm1', 'gone-a-1', a);
  await makeByHand('vm2', 'gone-b-1', b);
  const left = async () =>
    [...(await namesOn('vm1')), ...(await namesOn('vm2'))].filter((name) => /^(gone|back)-/.test(name));
  await until(left, (names) => names.length === 1, { timeoutMs: 60_000, what: 'their removal' });
  expect(await world.states('back')).toEqual(before);
  await world.remove('back');
});

type Orphan = { stack: string; agent: string; reason: string; isBeingRemoved: boolean; container: { name: string } };

const orphansOf = async (stack: string) => {
  const text = '{ orphans { stack agent reason isBeingRemoved container { name } } }';
  return (await world.ask<{ orphans: Orphan[] }>(text)).orphans.filter((orphan) => orphan.stack === stack);
};

test.concurrent('what nobody knows is only listed, until somebody says what is to become of it', async () => {
  const file = composeFile('ward', { one: busy('vm1'), two: busy('vm2') });
  await world.succeed(await world.compose(file));
  const before = await world.states('ward');
  const labels = await labelsOf('vm2', 'ward-two-1');
  // As if the database were older than the stack.
  await world.sql`update stacks set name = 'forgotten', desired = 'DELETED', deleted_at = now() where name = 'ward'`;
  const strange = { ...labels, 'graphium.stack': 'strange', 'graphium.task': crypto.randomUUID() };
  await makeByHand('vm2', 'strange-1', strange);
  const other = await makeByHand('vm2', 'not-ours', { ...strange, 'graphium.cluster': crypto.randomUUID() });
  await until(
    () => orphansOf('strange'),
    (orphans) => orphans.length === 1,
    { what: 'an orphan', timeoutMs: 5_000 },
  );
  await sweeps(2);
  expect(await orphansOf('strange')).toEqual([
    {
      stack: 'strange',
      agent: 'vm2',
      reason: 'UNKNOWN_STACK',
      isBeingRemoved: false,
      container: { name: 'strange-1' },
    },
  ]);
  expect((await orphansOf('ward')).map(({ reason, isBeingRemoved }) => [reason, isBeingRemoved])).toEqual([
    ['UNKNOWN_STACK', false],
    ['UNKNOWN_STACK', false],
  ]);
  expect(await world.states('ward')).toEqual(before);
  expect(await namesOn('vm2')).toEqual(expect.arrayContaining(['strange-1', 'not-ours']));

  const adopt = (source: string) =>
    world.ask<{ adoptOrphans: { id: string } }>(
      'mutation ($source: String!) { adoptOrphans(source: { compose: $source }) { id } }',
      { source },
    );
  const another = composeFile('ward', { one: busy('vm1', { environment: { A: 'b' } }), two: busy('vm2') });
  await expect(adopt(another)).rejects.toThrow(/CONFLICT/);
  await world.succeed((await adopt(file)).adoptOrphans.id);
  expect(await world.states('ward')).toEqual(before);
  expect(await orphansOf('ward')).toEqual([]);
  await world.remove('ward');

  const remove = 'mutation { removeOrphans(stack: "strange") { id } }';
  await world.succeed((await world.ask<{ removeOrphans: { id: string } }>(remove)).removeOrphans.id);
  expect(await orphansOf('strange')).toEqual([]);
  const names = await namesOn('vm2');
  expect(names).not.toContain('strange-1');
  expect(names).toContain('not-ours');
  await other.remove({ force: true });
});
