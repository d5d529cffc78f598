import { describe, expect, test } from 'vitest';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';
import { constrainedTo, json, useUnasked } from '../../support/unasked.ts';

/** What serves stays through operations that take one another over, repeat what failed, or meet a host that is gone. */
const seed = useSeed();
const { story, sweepLater, cancel, stackOf, on, label, remove, comeBack, repairs } = useUnasked(seed, 'again');

describe('what was desired before', () => {
  test('is not what was desired long ago', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await repairs(name);
    for (const operation of ['stopStack', 'startStack'] as const) {
      await seed.operate(operation, name);
      await workAll(hosts);
    }
    await cancel((await seed.operate('startStack', name)).id);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING', state: 'RUNNING' });
  });

  test('of a stack that was stopped stays, whatever is cancelled', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await repairs(name);
    for (let again = 0; again < 2; again++) {
      await seed.operate('stopStack', name);
      await workAll(hosts);
    }
    await cancel((await seed.operate('stopStack', name)).id);
    await cancel((await seed.compose(file({ web: 1 }))).id);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'STOPPED', state: 'STOPPED' });
  });
});

describe('the last good container stays', () => {
  test('when the deployment that moved it is tried again and its host is gone', async () => {
    const { name, hosts, file } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    const { id } = await seed.compose(file({ web: 2 }), { onFailure: 'KEEP' });
    await workAll(hosts, { [`${name}-web-1`]: BAD });
    await remove(h2);
    expect(await seed.refused('retryDeployment', { id })).toMatchObject({ code: 'CONFLICT' });
    expect(h1.names()).toEqual([`${name}-web-1`]);
  });

  test('when what came up in its place is on a host that is offline now', async () => {
    const { name, hosts, file } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await seed.compose(file({ web: 2, x: 1 }), { onFailure: 'KEEP' });
    await workAll(hosts, { [`${name}-x-1`]: BAD });
    await seed.expire(h2.agent);
    await seed.compose(file({ web: 2, x: 1 }));
    await h1.work();
    expect(h1.names()).toContain(`${name}-web-1`);
    await h2.agent.open();
    await workAll(hosts);
    expect(h1.names()).toEqual([`${name}-x-1`]);
  });

  test('when another takes its port and it is to move to a host that is offline', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    const web = (host: FakeHost) => ({ image: 'app:1', ports: ['80:80'], ...on(host) });
    await seed.compose(json(name, { web: web(h1) }));
    await workAll(hosts);
    await seed.expire(h2.agent);
    await seed.compose(json(name, { web: web(h2), proxy: web(h1) }));
    await h1.work();
    expect(h1.names()).toEqual([`${name}-web-1`]);
    await h2.agent.open();
    await workAll(hosts);
    expect(hosts.map((host) => host.names())).toEqual([[`${name}-proxy-1`], [`${name}-web-1`]]);
  });

  test('when one of those that come for it needs its port, and another comes up elsewhere', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    for (const host of hosts) await label(host, name, true);
    const web = { image: 'app:1', ports: ['80:80'] };
    await seed.compose(json(name, { web: { ...web, container_name: `${name}-web`, ...on(h1) } }));
    await workAll(hosts);
    const deploy = { ...constrainedTo(name), replicas: 2 };
    await seed.compose(json(name, { web: { ...web, deploy } }));
    expect(await h1.work()).toEqual([]);
    await h2.work();
    expect(h2.names()).toEqual([`${name}-web-2`]);
    await workAll(hosts);
    expect(h1.names()).toEqual([`${name}-web-1`]);
  });

  test('and two that change places with one port come to an end', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    const at = (host: FakeHost) => ({ image: 'app:1', ports: ['80:80'], ...on(host) });
    await seed.compose(json(name, { web: at(h1), api: at(h2) }));
    await workAll(hosts);
    const { id } = await seed.compose(json(name, { web: at(h2), api: at(h1) }));
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(hosts.map((host) => host.names())).toEqual([[`${name}-api-1`], [`${name}-web-1`]]);
  });
});

describe('a refused operation has a way out', () => {
  test('back to the very revision that serves', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    for (const image of ['app:1', 'app:2', 'app:3']) {
      await seed.compose(file({ web: 1 }, image));
      await host.work();
    }
    await cancel((await seed.run('rollbackStack', { name })).id);
    const { message } = await seed.refused('restartStack', { name });
    expect(message).toContain('rollbackStack(toRevision: 3)');
    await seed.run('rollbackStack', { name, toRevision: 3 });
    await host.work();
    await seed.run('restartStack', { name });
    await host.work();
    expect(host.get(`${name}-web-1`).image).toBe('app:3-web');
    // Or on with what was cancelled.
    await cancel((await seed.compose(file({ web: 1 }, 'app:6'))).id);
    const refusal = (await seed.refused('restartStack', { name })).message;
    const toRevision = Number(/go on with rollbackStack\(toRevision: (\d+)\)/.exec(refusal)?.[1]);
    await seed.run('rollbackStack', { name, toRevision });
    await host.work();
    await seed.run('restartStack', { name });
    await host.work();
    expect(host.get(`${name}-web-1`).image).toBe('app:6-web');
  });

  test('startStack gives a stopped stack new places itself, and a restart looks at its own services alone', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    for (const host of hosts) await label(host, name, true);
    const free = { deploy: constrainedTo(name) };
    const pinned = (host: FakeHost) => ({ image: 'app:1', ...on(host) });
    await seed.compose(json(name, { web: pinned(h1), db: { image: 'db:1', ...free } }));
    await workAll(hosts);
    const home = h2.names().length > 0 ? h2 : h1;
    if (home === h1) return expect(h1.names()).toHaveLength(2);
    await seed.operate('stopStack', name);
    await workAll(hosts);
    await remove(h2);
    expect(await seed.refused('restartStack', { name, services: ['db'] })).toMatchObject({ code: 'CONFLICT' });
    await seed.run('restartStack', { name, services: ['web'] });
    await h1.work();
    await seed.operate('startStack', name);
    await h1.work();
    expect(h1.names()).toEqual([`${name}-db-1`, `${name}-web-1`]);
  });
});

describe('a revision that another operation brought up', () => {
  test.each(['restartStack', 'startStack'] as const)('by %s is good', async (operation) => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1 }));
    await host.work();
    await seed.compose(file({ web: 1, api: 1 }, 'app:2'));
    await seed.operate(operation, name);
    await host.work();
    expect(host.names()).toEqual([`${name}-api-1`, `${name}-web-1`]);
    await seed.run('scaleStack', { name, service: 'api', replicas: 1 });
    const { id } = await seed.compose(file({ web: 1, api: 1 }, 'app:3'));
    await host.work({ [`${name}-web-1`]: BAD });
    await seed.sweep();
    await host.work();
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
    expect(host.names()).toEqual([`${name}-api-1`, `${name}-web-1`]);
    expect(host.get(`${name}-web-1`).image).toBe('app:2-web');
  });

  test.each([
    ['repairStack', []],
    ['startStack', ['stopStack']],
  ])('but was cancelled is not brought in by %s after %j', async (operation, first) => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1, old: 1 }));
    await hosts[0].work();
    await cancel((await seed.compose(file({ web: 1 }, 'app:2'))).id);
    for (const one of first) await seed.run(one, { name });
    expect(await seed.refused(operation, { name })).toMatchObject({ code: 'CONFLICT' });
  });

  test('nor by trying a restart again that was cancelled with it', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await hosts[0].work();
    await seed.compose(file({ web: 1 }, 'app:2'));
    const { id } = await seed.operate('restartStack', name);
    await cancel(id);
    expect(await seed.refused('retryDeployment', { id })).toMatchObject({ code: 'CONFLICT' });
  });
});

test('a container that a cancelled stop has stopped is no job that is done', async () => {
  const { name, hosts, file } = await story(2);
  const [h1] = hosts;
  await seed.compose(file({ web: 1, db: 2 }));
  await workAll(hosts);
  await repairs(name);
  const { id } = await seed.operate('stopStack', name);
  const [stop] = await h1.start();
  await h1.complete(stop, { result: { action: 'stopped' } });
  await cancel(id);
  expect(await stackOf(name)).toEqual({
    desired: 'RUNNING',
    state: 'DEGRADED',
    drift: [{ containerName: `${name}-web-1`, kind: 'STOPPED' }],
  });
  await sweepLater(hosts);
  expect(await stackOf(name)).toMatchObject({ state: 'RUNNING', drift: [] });
});

test('a host that was enrolled again has its names and ports still, and its networks', async () => {
  const { name, hosts } = await story();
  const [host] = hosts;
  const network = (subnet: string) => ({ networks: { default: { ipam: { config: [{ subnet }] } } } });
  const web = { image: 'app:1', container_name: `${name}-proxy`, ports: ['81:81'], ...on(host) };
  await seed.compose(json(name, { web }, network('10.1.0.0/24')));
  await host.work();
  await remove(host);
  await comeBack(host);
  const other = (more: object) => ({ source: { compose: json(`${name}b`, { web: { ...web, ...more } }) } });
  expect((await seed.refused('deployStack', other({ ports: [] }))).code).toBe('NAME_IN_USE');
  expect((await seed.refused('deployStack', other({ container_name: `${name}-x` }))).code).toBe('NO_AGENT_FITS');
  const changed = { source: { compose: json(name, { web }, network('10.2.0.0/24')) } };
  expect((await seed.refused('deployStack', changed)).code).toBe('CONFLICT');
});
