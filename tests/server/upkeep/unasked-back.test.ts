import { describe, expect, test } from 'vitest';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';
import { constrainedTo, database, json, useUnasked } from '../../support/unasked.ts';

/** What operations do that bring no revision, and what an agent finds that comes back under its name. */
const seed = useSeed();
const { story, sweepLater, cancel, stackOf, on, label, remove, comeBack, repairs } = useUnasked(seed, 'back');

const latestOf = async (name: string) => {
  const query = 'query($n: String!) { deployments(stack: $n, first: 1) { nodes { id } } }';
  type Answer = { deployments: { nodes: { id: string }[] } };
  const [latest] = (await seed.ask<Answer>(query, { n: name })).deployments.nodes;
  if (!latest) throw new Error(`${name} has no deployment`);
  return latest;
};

describe('operations that bring no revision', () => {
  test.each([
    ['restartStack', {}],
    ['startStack', {}],
    ['scaleStack', { service: 'web', replicas: 2 }],
  ])('%s does not bring in one that was cancelled', async (operation, more) => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1, old: 1 }));
    await host.work();
    const { id } = await seed.compose(file({ web: 1 }, 'app:2'));
    // While it is under way, the newer operation takes it over.
    if (operation === 'scaleStack') await seed.run(operation, { name, ...more });
    await cancel(operation === 'scaleStack' ? (await latestOf(name)).id : id);
    expect(await seed.refused(operation, { name, ...more })).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('or back with rollbackStack(toRevision: 1)'),
    });
    await seed.run('rollbackStack', { name, toRevision: 1 });
    await host.work();
    await seed.run(operation, { name, ...more });
    await host.work();
    expect(host.get(`${name}-web-1`).image).toBe('app:1-web');
    expect(host.names()).toContain(`${name}-old-1`);
  });

  test('startStack and restartStack say that a container has no host any more', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    await remove(hosts[1] as FakeHost);
    expect(await seed.refused('restartStack', { name })).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`"${name}-db-1" was on ${name}-h2, whose agent was removed. Deploy again`),
    });
    // It may be on that host alone.
    expect(await seed.refused('startStack', { name })).toMatchObject({ code: 'NO_AGENT_FITS' });
    expect(await seed.refused('restartStack', { name, services: [] })).toMatchObject({ code: 'BAD_INPUT' });
  });

  test.each(['rollbackStack', 'repairStack'])('%s has no verdict on a host that is offline', async (operation) => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    for (const image of ['app:1', 'app:2']) {
      const web = { image, ...on(h1) };
      await seed.compose(json(name, { web, db: { image: 'db:1', ...on(h2) } }));
      await workAll(hosts);
    }
    await seed.expire(h2.agent);
    const { id } = await seed.run(operation, { name });
    await h1.work();
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await h2.agent.open();
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });
});

describe('what was desired before comes back when an operation is cancelled', () => {
  test.each(['restartStack', 'startStack'])('that took over a stop, %s', async (operation) => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await repairs(name);
    await seed.operate('stopStack', name);
    await cancel((await seed.run(operation, { name })).id);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING', state: 'RUNNING' });
  });

  test('that deleted what was deployed anew after a deletion had failed', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1 }));
    await host.work();
    await seed.operate('deleteStack', name);
    await host.work({ [`${name}-web-1`]: BAD });
    await seed.compose(file({ web: 1 }, 'app:2'));
    await cancel((await seed.run('deleteStack', { name, removeVolumes: true })).id);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING' });
    await sweepLater(hosts);
    expect(host.names()).toEqual([`${name}-web-1`]);
  });

  test('that deleted what was just being started', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    await repairs(name);
    await seed.operate('stopStack', name);
    await workAll(hosts);
    await seed.operate('startStack', name);
    await hosts[0].work();
    await cancel((await seed.operate('deleteStack', name)).id);
    expect((await sweepLater(hosts)).filter((what) => /STOP|DELETE/.test(what))).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING' });
  });

  test('of a stopped stack with another file', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await repairs(name);
    await seed.operate('stopStack', name);
    await workAll(hosts);
    await cancel((await seed.compose(file({ web: 1 }, 'app:2'))).id);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'STOPPED', state: 'STOPPED' });
  });
});

test('a job that had ended is not run again because a stop was cancelled', async () => {
  const { name, hosts } = await story();
  const [host] = hosts;
  const job = { image: 'job:1', restart: 'no', ...on(host) };
  await seed.compose(json(name, { web: { image: 'app:1', restart: 'always', ports: ['80:80'], ...on(host) }, job }));
  await workAll(hosts);
  await host.change(`${name}-job-1`, { state: 'EXITED', exitCode: 0 });
  await repairs(name);
  const { id } = await seed.operate('stopStack', name);
  const stops = await host.start();
  await cancel(id);
  for (const stop of stops) await host.agent.finish(stop, 'CANCELLED', { result: { action: 'unchanged' } });
  expect(await stackOf(name)).toEqual({ desired: 'RUNNING', state: 'RUNNING', drift: [] });
  expect(await sweepLater(hosts)).toEqual([]);
});

test('rollbackStack finds what a restart brought up', async () => {
  const { name, hosts, file } = await story();
  const [host] = hosts;
  await seed.compose(file({ web: 1 }));
  await host.work();
  await seed.compose(file({ web: 1 }, 'app:2'));
  await seed.operate('restartStack', name);
  await host.work();
  await seed.compose(file({ web: 1 }, 'app:3'));
  await host.work();
  await seed.run('rollbackStack', { name });
  await host.work();
  expect(host.get(`${name}-web-1`).image).toBe('app:2-web');
});

test('a stopped stack is stopped, also without an agent that was removed', async () => {
  const { name, hosts, file } = await story(2);
  await seed.compose(file({ web: 1, db: 2 }));
  await workAll(hosts);
  await seed.operate('stopStack', name);
  await workAll(hosts);
  await remove(hosts[1] as FakeHost);
  expect(await stackOf(name)).toEqual({ desired: 'STOPPED', state: 'STOPPED', drift: [] });
});

describe('an agent that was removed and enrolled again under its name', () => {
  test('keeps its containers, also with an orphan beside them that somebody removes', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1, db: 1 }));
    await workAll(hosts);
    await remove(hosts[0]);
    const again = await comeBack(hosts[0]);
    await again.add({ name: `${name}-x-1`, stack: name });
    await seed.run('removeOrphans', { stack: name });
    expect(await again.work()).toEqual([`DELETE ${name}-x-1`]);
    expect(again.names()).toEqual([`${name}-db-1`, `${name}-web-1`]);
  });

  test('is what its stack is by its containers; a stack whose agent is gone is not whole', async () => {
    const { name, hosts, file } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    await remove(h2);
    expect(await stackOf(name)).toEqual({
      desired: 'RUNNING',
      state: 'DEGRADED',
      drift: [{ containerName: `${name}-db-1`, kind: 'MISSING' }],
    });
    await repairs(name);
    expect(await sweepLater([h1])).toEqual([]);
    await remove(h1);
    const again = await comeBack(h1);
    expect((await stackOf(name))?.drift).toHaveLength(1);
    const back = await comeBack(h2);
    expect(await stackOf(name)).toEqual({ desired: 'RUNNING', state: 'RUNNING', drift: [] });
    await seed.operate('restartStack', name);
    expect(await workAll([again, back])).toEqual([
      `${name}-h1: RESTART ${name}-web-1`,
      `${name}-h2: RESTART ${name}-db-1`,
    ]);
  });

  test('keeps what could as well be elsewhere', async () => {
    const { name, hosts } = await story(2);
    for (const host of hosts) await label(host, name, true);
    const file = database(name, { deploy: constrainedTo(name) });
    await seed.compose(file);
    await workAll(hosts);
    const [home, other] = (hosts[0].names().length > 0 ? hosts : hosts.toReversed()) as [FakeHost, FakeHost];
    // The home has more to carry, so that it would not be chosen again.
    await seed.compose(json(`${name}o`, { o: { image: 'o:1', ...on(home) } }));
    await workAll(hosts);
    await remove(home);
    const again = await comeBack(home);
    await label(again, name, true);
    await seed.compose(file);
    await workAll([again, other]);
    expect(again.names()).toContain(`${name}-db-1`);
    expect(other.names()).toEqual([]);
  });
});
