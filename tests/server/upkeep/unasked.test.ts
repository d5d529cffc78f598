import { describe, expect, test } from 'vitest';
import { type FakeHost, workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD } from '../../support/two-hosts.ts';
import { useUnasked } from '../../support/unasked.ts';

/** What nobody asked for does not happen: a failure, a cancellation or a lost agent removes nothing that serves. */
const seed = useSeed();

const { story, sweepLater, cancel, stackOf } = useUnasked(seed, 'unasked');

describe('a deployment that does not come up removes nothing', () => {
  test.each(['KEEP', 'cancelled before anything began', 'cancelled half way'])('%s', async (how) => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1, db: 1 }));
    await host.work();
    const { id } = await seed.compose(file({ frontend: 1, db: 1 }), { onFailure: 'KEEP' });
    if (how === 'KEEP') await host.work({ [`${name}-frontend-1`]: BAD });
    if (how === 'cancelled half way') for (const pull of await host.start()) await host.complete(pull);
    if (how !== 'KEEP') await cancel(id);
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe(how === 'KEEP' ? 'FAILED' : 'CANCELLED');
    await sweepLater(hosts);
    expect(host.names()).toEqual(expect.arrayContaining([`${name}-db-1`, `${name}-web-1`]));
    // Once it has come up, what it does not want goes.
    await seed.compose(file({ frontend: 1, db: 1 }, 'app:2'));
    await workAll(hosts);
    await sweepLater(hosts);
    expect(host.names()).toEqual([`${name}-db-1`, `${name}-frontend-1`]);
  });

  test('a container that was to move stays where it is', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    const { id } = await seed.compose(file({ web: 2 }));
    await cancel(id);
    await sweepLater(hosts);
    expect(hosts.map((host) => host.names())).toEqual([[`${name}-web-1`], []]);
  });

  test('not even where no revision was ever good', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1, db: 1 }), { onFailure: 'KEEP' });
    await host.work({ [`${name}-db-1`]: BAD });
    await seed.compose(file({ other: 1 }), { onFailure: 'KEEP' });
    await host.work({ [`${name}-other-1`]: BAD });
    await sweepLater(hosts);
    expect(host.names()).toContain(`${name}-web-1`);
  });
});

describe('a deletion', () => {
  test('that is cancelled at once deletes nothing, and one cancelled half way nothing more', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    await cancel((await seed.operate('deleteStack', name)).id);
    await sweepLater(hosts);
    expect(await stackOf(name)).toEqual({ desired: 'RUNNING', state: 'RUNNING', drift: [] });
    const { id } = await seed.operate('deleteStack', name);
    // The same again takes its place; what was desired before is still what it was.
    const again = await seed.operate('deleteStack', name);
    await hosts[0].work();
    await cancel(again.id);
    await sweepLater(hosts);
    expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
    expect(hosts.map((host) => host.names())).toEqual([[], [`${name}-db-1`]]);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING', drift: [{ containerName: `${name}-web-1` }] });
  });

  test('a stop that is cancelled is not gone on with either', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file({ web: 1 }));
    await workAll(hosts);
    await seed.ask('mutation($n: String!) { setAutoRepair(name: $n, enabled: true) { name } }', { n: name });
    await cancel((await seed.operate('stopStack', name)).id);
    await sweepLater(hosts);
    expect(await stackOf(name)).toMatchObject({ desired: 'RUNNING', state: 'RUNNING' });
    expect(hosts[0].get(`${name}-web-1`).state).toBe('RUNNING');
  });

  test('ends when the agent that it waits for is removed', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    const { id } = await seed.operate('deleteStack', name);
    await hosts[0].work();
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: `${name}-h2` });
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(await stackOf(name)).toBeNull();
  });

  test('whose stack is deployed anew while a removal is under way: the plan does not count on what is going', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    await seed.compose(file({ web: 1 }));
    await host.work();
    const old = host.get(`${name}-web-1`);
    await seed.operate('deleteStack', name);
    await host.work();
    await host.add(old);
    await seed.sql`update deployments set finished_at = finished_at - interval '2 minutes' where finished_at is not null`;
    await seed.sweep();
    const [removal] = await host.start();
    const { id } = await seed.compose(file({ web: 1 }));
    await host.complete(removal);
    await host.work();
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(host.names()).toEqual([`${name}-web-1`]);
  });
});

describe('everything ends', () => {
  test('the way back has the time limit of the deployment', async () => {
    const { name, hosts, file } = await story(2);
    await seed.compose(file({ web: 1, db: 2 }));
    await workAll(hosts);
    const { id } = await seed.compose(file({ web: 1, db: 2 }, 'app:2'), { timeoutSeconds: 3_600 });
    const [h1, h2] = hosts as [FakeHost, FakeHost];
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    await h1.work();
    await h2.work({ [`${name}-db-1`]: BAD });
    await seed.expire(h1.agent);
    await seed.sweep();
    await h2.work();
    const { status, deadline, rollbackRevision } = await seed.deployment(id);
    expect([status, rollbackRevision]).toEqual(['RUNNING', 3]);
    const left = Date.parse(deadline ?? '') - Date.now();
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThan(3_601_000);
    await seed.sql`update deployments set deadline = now() - interval '1 second' where id = ${id}`;
    await seed.sweep();
    const ended = await seed.deployment(id);
    expect(ended).toMatchObject({ status: 'FAILED', deadline: null });
    expect(ended.cause?.message).toContain('The rollback failed too: it was not done within 3600 s');
    expect(ended.tasks.every(({ status: one }) => one !== 'PENDING' && one !== 'RUNNING')).toBe(true);
  });

  test('a task whose agent is lost three times while it works on it fails, and says why', async () => {
    const { name, hosts, file } = await story();
    const [host] = hosts;
    const { id } = await seed.compose(file({ web: 1 }), { onFailure: 'KEEP' });
    for (const pull of await host.start()) await host.complete(pull);
    for (let lost = 1; lost <= 3; lost++) {
      expect(await host.start()).toHaveLength(1);
      if (lost === 2) await host.agent.open();
      else {
        await seed.expire(host.agent);
        await seed.sweep();
        if (lost < 3) await host.agent.open();
      }
    }
    const { status, cause } = await seed.deployment(id);
    expect(status).toBe('FAILED');
    expect(cause).toMatchObject({ code: 'AGENT_LOST', containerName: `${name}-web-1` });
    expect(cause?.message).toContain('three times');
  });
});
