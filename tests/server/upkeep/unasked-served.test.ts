import { describe, expect, test } from 'vitest';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';
import { constrainedTo, database, json, useUnasked } from '../../support/unasked.ts';

/** What serves stays through cancellations that came late, other people's operations and hosts that were away. */
const seed = useSeed();
const { story, sweepLater, cancel, stackOf, on, label, repairs } = useUnasked(seed, 'served');

describe('a cancelled operation is not gone on with, although a task of it failed', () => {
  test('a deletion with its volumes', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    const { id } = await seed.run('deleteStack', { name, removeVolumes: true });
    const [removal] = await hosts[0].start();
    await cancel(id);
    await hosts[0].fail(removal, { code: 'REMOVE_FAILED', message: 'Docker hangs' }, true);
    expect((await seed.deployment(id)).status).toBe('FAILED');
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toEqual({ desired: 'RUNNING', state: 'RUNNING', drift: [] });
  });

  test('a stop, where repairs are automatic', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    await repairs(name);
    const { id } = await seed.operate('stopStack', name);
    const [stop] = await hosts[0].start();
    await cancel(id);
    await hosts[0].fail(stop, { code: 'ENGINE_UNREACHABLE', message: 'Docker does not answer' }, true);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING', state: 'RUNNING' });
  });
});

describe('a revision that failed or was cancelled', () => {
  test('of a global service comes to no new agent', async () => {
    const { name, hosts } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await label(h1, name, true);
    const web = (image: string) => ({
      image,
      deploy: { mode: 'global', placement: { constraints: [`node.labels.${name}==yes`] } },
    });
    await seed.compose(json(name, { web: web('app:1'), extra: { image: 'x:1', ...on(h1) } }));
    await workAll(hosts);
    await cancel((await seed.compose(json(name, { web: web('app:2') }))).id);
    await label(h2, name, true);
    expect(await sweepLater(hosts)).toEqual([]);
    expect(h1.names()).toEqual([`${name}-extra-1`, `${name}-web-1`]);
    // One that came up with it is followed again, also after the way to one agent failed.
    await seed.compose(json(name, { web: web('app:3') }));
    await workAll(hosts, { [`${name}-web-2`]: BAD });
    await sweepLater(hosts);
    expect(h1.get(`${name}-web-1`).image).toBe('app:1');
  });

  test('of a global service that came up elsewhere goes on to the next agent when one has failed', async () => {
    const { name, hosts } = await story(3);
    const [h1, h2, h3] = hosts as unknown as [FakeHost, FakeHost, FakeHost];
    await label(h1, name, true);
    const deploy = { mode: 'global', placement: { constraints: [`node.labels.${name}==yes`] } };
    await seed.compose(json(name, { web: { image: 'app:1', deploy } }));
    await workAll(hosts);
    await label(h2, name, true);
    await seed.sweep();
    await workAll(hosts, { [`${name}-web-2`]: BAD });
    await label(h3, name, true);
    await sweepLater(hosts);
    expect(h3.names()).toEqual([`${name}-web-3`]);
  });

  test('leads back to where the data is, by itself, by the old file and by a rollback', async () => {
    const { name, hosts } = await story(2);
    for (const host of hosts) await label(host, name, true);
    const free = { deploy: constrainedTo(name) };
    await seed.compose(database(name, free));
    await workAll(hosts);
    const [from, to] = (hosts[0].names().length > 0 ? hosts : hosts.toReversed()) as [FakeHost, FakeHost];
    const before = from.get(`${name}-db-1`);
    const moved = database(name, { ...on(to), image: 'db:2' });

    const { id } = await seed.compose(moved);
    await workAll(hosts, { [`${name}-db-1`]: BAD });
    await seed.sweep();
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
    expect(from.get(`${name}-db-1`)).toBe(before);
    expect(to.names()).toEqual([]);

    await cancel((await seed.compose(moved)).id);
    await seed.compose(database(name, free));
    await workAll(hosts);
    expect(from.get(`${name}-db-1`)).toBe(before);

    await cancel((await seed.compose(moved)).id);
    await seed.run('rollbackStack', { name, toRevision: 1 });
    await workAll(hosts);
    expect(from.get(`${name}-db-1`)).toBe(before);
    expect(to.names()).toEqual([]);
  });

  test('takes nothing on its way back that was only listed', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1 }));
    await host.work();
    await host.add({ name: `${name}-listed-1`, stack: name });
    const { id } = await seed.compose(file({ web: 1, made: 1 }, 'app:2'));
    await host.work({ [`${name}-web-1`]: BAD });
    await seed.sweep();
    await host.work();
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
    expect(host.names()).toEqual([`${name}-listed-1`, `${name}-web-1`]);
  });

  test('gives the name and the ports of what serves to no other stack', async () => {
    const { name, hosts } = await story();
    const [host] = hosts;
    const proxy = (image: string) => ({
      image,
      container_name: `${name}-proxy`,
      ports: ['80:80'],
      ...on(host),
    });
    await seed.compose(json(name, { web: proxy('app:1') }));
    await host.work();
    await cancel((await seed.compose(json(name, { other: { image: 'app:2', ...on(host) } }))).id);
    const refused = (services: object) =>
      seed.refused('deployStack', { source: { compose: json(`${name}b`, services) } });
    expect(await refused({ web: { ...proxy('z:1'), ports: [] } })).toMatchObject({ code: 'NAME_IN_USE' });
    const { code, message } = await refused({ web: { ...proxy('z:1'), container_name: 'another' } });
    expect([code, message]).toEqual(['NO_AGENT_FITS', expect.stringContaining(`port 80/tcp taken by "${name}-proxy"`)]);
    // What has come up without them lets them go.
    await seed.compose(json(name, { other: { image: 'app:3', ...on(host) } }));
    await host.work();
    await seed.compose(json(`${name}b`, { web: proxy('z:1') }));
    await host.work();
    expect(host.get(`${name}-proxy`)).toMatchObject({ image: 'z:1', stack: `${name}b` });
  });
});

describe('what serves goes when its successor has come up', () => {
  test('not while the host that it moves to is offline', async () => {
    const { name, hosts, file } = await story(2);
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    await seed.compose(file({ web: 1, stray: 1, db: 2 }));
    await workAll(hosts);
    await seed.expire(h2.agent);
    await seed.compose(file({ web: 2, db: 2 }));
    // What moves to no other host does not wait for it.
    expect(await h1.work()).toEqual([`DELETE ${name}-stray-1`]);
    await h2.agent.open();
    await workAll(hosts);
    expect(hosts.map((host) => host.names())).toEqual([[], [`${name}-db-1`, `${name}-web-1`]]);
  });

  test('nor when a service failed that others do not care for', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1 }));
    await host.work();
    const { deploy, ...rest } = on(host);
    const frontend = { ...rest, image: 'app:2', deploy: { ...deploy, update_config: { failure_action: 'continue' } } };
    const { id } = await seed.compose(json(name, { frontend }));
    await host.work({ [`${name}-frontend-1`]: BAD });
    expect((await seed.deployment(id)).status).toBe('FAILED');
    expect(host.names()).toContain(`${name}-web-1`);
  });
});

test('removeOrphans takes what is listed, and not what an earlier revision left serving', async () => {
  const { name, hosts, file } = await story();
  const [host] = hosts;
  await seed.compose(file({ web: 1, db: 1 }));
  await host.work();
  await seed.compose(file({ frontend: 1, db: 1 }), { onFailure: 'KEEP' });
  await host.work({ [`${name}-frontend-1`]: BAD });
  await host.add({ name: `${name}-x-1`, stack: name });
  await seed.run('removeOrphans', { stack: name });
  expect(await host.work()).toEqual([`DELETE ${name}-x-1`]);
  expect(host.names()).toContain(`${name}-web-1`);
});

test('labels that change move what is global and leave the rest with its data', async () => {
  const { name, hosts } = await story(2);
  const [h1, h2] = hosts as [FakeHost, FakeHost];
  await label(h1, name, true);
  const deploy = { placement: { constraints: [`node.labels.${name}==yes`] } };
  const file = json(
    name,
    {
      log: { image: 'log:1', deploy: { ...deploy, mode: 'global' } },
      db: { image: 'db:1', volumes: ['data:/data'], deploy },
    },
    { volumes: { data: {} } },
  );
  await seed.compose(file);
  await workAll(hosts);
  expect(h1.names()).toEqual([`${name}-db-1`, `${name}-log-1`]);
  await label(h1, name, false);
  await label(h2, name, true);
  await sweepLater(hosts);
  expect(h1.names()).toEqual([`${name}-db-1`]);
  expect(h2.names()).toEqual([`${name}-log-1`]);
  // Only who deploys moves it.
  await seed.compose(file);
  await workAll(hosts);
  expect(h2.names()).toContain(`${name}-db-1`);
});
