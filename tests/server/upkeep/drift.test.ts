import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';
import { startTwoHosts } from '../../support/two-hosts.ts';

/** Where hosts differ from what the current revision wants, and how that is repaired. */
const seed = useSeed();

let count = 0;
const story = () => startTwoHosts(seed, `drift${++count}`);
type Drift = {
  kind: string;
  agent: string;
  containerName: string;
  service: string | null;
  message: string;
  container: object | null;
};
const DRIFT = '{ kind stack agent containerName service message container { name state } }';
const driftOf = async (name: string) => {
  const query = `query($n: String!) { stack(name: $n) { drift ${DRIFT} } }`;
  return (await seed.ask<{ stack: { drift: Drift[] } }>(query, { n: name })).stack.drift;
};
const kindsOf = async (name: string) =>
  (await driftOf(name)).map(({ kind, containerName }) => `${kind} ${containerName.slice(name.length + 1)}`).toSorted();
describe('drift', () => {
  test('there is none when all is as it should be', async () => {
    const { name } = await story();
    expect(await driftOf(name)).toEqual([]);
  });

  test.each<[string, { state?: string; exitCode?: number; specHash?: string; health?: string } | null]>([
    ['MISSING', null],
    ['STOPPED', { state: 'EXITED', exitCode: 1 }],
    ['STOPPED', { state: 'PAUSED' }],
    ['STOPPED', { state: 'CREATED' }],
    ['MISSING', { state: 'DEAD' }],
    ['CHANGED', { specHash: 'other' }],
    ['UNHEALTHY', { health: 'UNHEALTHY' }],
    ['UNHEALTHY', { state: 'RESTARTING' }],
  ])('%s: %j', async (kind, change) => {
    const { name, hosts, names } = await story();
    await hosts[0].change(names.a, change);
    const drift = await driftOf(name);
    expect(drift).toMatchObject([
      {
        kind,
        stack: name,
        agent: hosts[0].agent.name,
        containerName: names.a,
        service: 'a',
        message: expect.any(String),
      },
    ]);
    expect(drift[0]?.container).toEqual(change === null ? null : { name: names.a, state: change.state ?? 'RUNNING' });
  });

  test('NOT_WANTED: has the labels of the stack, and nobody wants it there', async () => {
    const { name, hosts } = await story();
    await hosts[1].add({ name: `${name}-x-1`, stack: name });
    expect(await driftOf(name)).toMatchObject([{ kind: 'NOT_WANTED', containerName: `${name}-x-1`, service: null }]);
  });

  test('RUNNING: runs although the stack is stopped; that the others do not is none', async () => {
    const { name, hosts, names } = await story();
    await seed.operate('stopStack', name);
    for (const host of hosts) await host.work();
    expect(await driftOf(name)).toEqual([]);
    await hosts[0].change(names.a, { state: 'RUNNING' });
    expect(await kindsOf(name)).toEqual(['RUNNING a-1']);
  });

  test('UNKNOWN: is on a host that is offline, and since when', async () => {
    const { name, hosts, names } = await story();
    await hosts[0].change(names.a, null);
    await hosts[1].change(names.b, null);
    expect(await kindsOf(name)).toEqual(['MISSING a-1', 'MISSING b-1']);
    await seed.expire(hosts[1].agent);
    expect(await kindsOf(name)).toEqual(['MISSING a-1', 'UNKNOWN b-1']);
    type Seen = { agent: { lastSeenAt: string }; stack: { drift: { kind: string; since: string | null }[] } };
    const query = `{ agent(name: "${hosts[1].agent.name}") { lastSeenAt } stack(name: "${name}") { drift { kind since } } }`;
    const { agent, stack } = await seed.ask<Seen>(query);
    expect(stack.drift).toContainEqual({ kind: 'UNKNOWN', since: agent.lastSeenAt });
    expect(stack.drift).toContainEqual({ kind: 'MISSING', since: null });
    expect(Date.now() - Date.parse(agent.lastSeenAt)).toBeGreaterThan(30_000);
  });

  test('a host that is offline makes its stack UNKNOWN, and a new deployment waits for it', async () => {
    const { name, hosts, file } = await story();
    const query = `{ stack(name: "${name}") { state containers { agent unknownSince } } }`;
    type View = { stack: { state: string; containers: { agent: string; unknownSince: string | null }[] } };
    const view = async () => (await seed.ask<View>(query)).stack;
    expect((await view()).state).toBe('RUNNING');
    await seed.expire(hosts[1].agent);
    const { state, containers } = await view();
    expect(state).toBe('UNKNOWN');
    expect(containers.map(({ agent, unknownSince }) => [agent, unknownSince !== null])).toEqual([
      [hosts[0].agent.name, false],
      [hosts[1].agent.name, true],
    ]);
    const { id } = await seed.compose(file('app:1'));
    await hosts[0].work();
    expect(await seed.deployment(id)).toMatchObject({
      status: 'RUNNING',
      tasks: [{ waitingOn: [{ reason: 'AGENT_OFFLINE', agent: hosts[1].agent.name }] }],
    });
    await hosts[1].agent.open();
    await hosts[1].work();
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect((await view()).state).toBe('RUNNING');
  });

  test('nor has what a deployment is at work on', async () => {
    const { name, hosts, names, file } = await story();
    await hosts[1].change(names.b, null);
    const same = JSON.parse(file('app:1')).services.b;
    await seed.compose(composeFile(name, { a: service(hosts[0].agent.name, { image: 'app:2' }), b: same }));
    expect(await driftOf(name)).toEqual([]);
    for (const host of [...hosts, ...hosts]) await host.work();
    expect(await driftOf(name)).toEqual([]);
  });

  test('is sent of one stack, and of all, whenever it changes', async () => {
    const { name, hosts, names } = await story();
    const other = await story();
    const wire = await seed.wire();
    const one = wire.subscribe<{ drift: Drift[] }>(`subscription($n: String) { drift(stack: $n) ${DRIFT} }`, {
      n: name,
    });
    const all = wire.subscribe<{ drift: Drift[] }>(`subscription { drift ${DRIFT} }`);
    const next = async (stream: typeof one, isIt: (drift: string[]) => boolean) => {
      for (;;) {
        const drift = (await stream.next())?.data?.drift.map(({ kind, containerName }) => `${kind} ${containerName}`);
        if (drift && isIt(drift)) return drift;
      }
    };
    expect(await next(one, () => true)).toEqual([]);
    await hosts[0].change(names.a, null);
    expect(await next(one, (drift) => drift.length > 0)).toEqual([`MISSING ${names.a}`]);
    await other.hosts[0].change(other.names.a, { state: 'EXITED', exitCode: 3 });
    const both = [`MISSING ${names.a}`, `STOPPED ${other.names.a}`];
    expect(await next(all, (drift) => both.every((expected) => drift.includes(expected)))).toBeDefined();
    await seed.run('repairStack', { name });
    await hosts[0].work();
    expect(await next(one, (drift) => drift.length === 0)).toEqual([]);
    const { errors } = (await wire.subscribe('subscription { drift(stack: "nobody") { kind } }').next()) ?? {};
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});

describe('repairStack', () => {
  test('makes it again what the revision says, and touches nothing else', async () => {
    const { name, hosts, names } = await story();
    const [h1, h2] = hosts;
    const b = h2.get(names.b);
    await h1.change(names.a, { state: 'EXITED', exitCode: 1 });
    const { id } = await seed.run('repairStack', { name });
    expect(await h1.work()).toEqual([`DEPLOY ${names.a}`]);
    expect(await h2.work()).toEqual([]);
    expect(h2.get(names.b)).toBe(b);
    expect(await seed.deployment(id)).toMatchObject({ kind: 'REPAIR', revision: 1, status: 'SUCCEEDED' });
    expect(await driftOf(name)).toEqual([]);
    expect((await seed.run('repairStack', { name })).status).toBe('SUCCEEDED');
  });

  test('restarts what is unhealthy and removes what nobody wants, as it was asked to', async () => {
    const { name, hosts, names } = await story();
    await hosts[0].change(names.a, { health: 'UNHEALTHY' });
    await hosts[0].add({ name: `${name}-x-1`, stack: name });
    await seed.run('repairStack', { name });
    expect(await hosts[0].work()).toEqual([`RESTART ${names.a}`, `DELETE ${name}-x-1`]);
    expect(await driftOf(name)).toEqual([]);
  });

  test('stops again what runs in a stopped stack', async () => {
    const { name, hosts, names } = await story();
    await seed.operate('stopStack', name);
    for (const host of hosts) await host.work();
    await hosts[0].change(names.a, { state: 'RUNNING' });
    await seed.run('repairStack', { name });
    expect(await hosts[0].work()).toEqual([`STOP ${names.a}`]);
    expect(await driftOf(name)).toEqual([]);
    const { stack } = await seed.ask<{ stack: { desired: string } }>(`{ stack(name: "${name}") { desired } }`);
    expect(stack.desired).toBe('STOPPED');
  });
});

test('a host with a later revision than the database has is named by every plan', async () => {
  const { name, hosts, names } = await story();
  const warnings = async () =>
    (
      await seed.ask<{ planStack: { warnings: { code: string; message: string }[] } }>(
        'query($n: String!) { planStack(operation: { repair: $n }) { warnings { code message } } }',
        { n: name },
      )
    ).planStack.warnings.filter(({ code }) => code === 'HISTORY_LOST');
  expect(await warnings()).toEqual([]);
  await hosts[0].change(names.a, { revision: 7, specHash: 'later' });
  expect(await warnings()).toEqual([
    {
      code: 'HISTORY_LOST',
      message: expect.stringMatching(`${names.a} on ${hosts[0].agent.name} is at revision 7.* none above 1`),
    },
  ]);
});
