import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD, imagesOf, stackOf, startTwoHosts } from '../../support/two-hosts.ts';

/** The rollback after a failure. */
const seed = useSeed();

let count = 0;
const story = () => startTwoHosts(seed, `back${++count}`);
const cancel = (id: string) => seed.run('cancelDeployment', { id });

describe('a deployment that fails', () => {
  test('loses no time: what waits is cancelled and what runs is asked to stop, then all is rolled back', async () => {
    const { name, hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const before = h1.get(names.a).id;
    const { id } = await seed.compose(file('app:2', { c: {} }));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    const [a] = await h1.start();
    const [b] = await h2.start();
    await h1.fail(a, BAD);
    const [asked] = await h2.agent.pending();
    expect(asked).toMatchObject({ id: b?.id, status: 'RUNNING', cancelRequested: true });
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await h2.cancel(b ?? { id: '', attempt: 0 });
    // Its tasks have ended; the clock or a sweep plans the rollback.
    expect(await seed.deployment(id)).toMatchObject({ status: 'RUNNING', cause: { code: 'UNHEALTHY' } });
    expect((await stackOf(seed, name)).state).toBe('ROLLING_BACK');
    await seed.sweep();
    await workAll(hosts);
    const deployment = await seed.deployment(id);
    expect(deployment).toMatchObject({
      status: 'ROLLED_BACK',
      revision: 2,
      rollbackRevision: 3,
      cause: { ...BAD, taskId: a?.id, agent: h1.agent.name, containerName: names.a },
    });
    expect(await stackOf(seed, name)).toMatchObject({
      state: 'RUNNING',
      revision: 3,
      goodRevision: 3,
      revisions: [{ number: 3, note: 'as revision 1, after a failure', isGood: true }, { number: 2 }, { number: 1 }],
    });
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
    expect(h1.get(names.a).id).toBe(before);
  });

  test('takes back what it had done already, with tasks of the same deployment', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const { id } = await seed.compose(file('app:2'));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    for (const task of await h1.start()) await h1.complete(task);
    for (const task of await h2.start()) await h2.fail(task, BAD);
    expect(imagesOf(hosts)).toEqual(['app:2', 'app:1']);
    await seed.sweep();
    const planned = (await seed.deployment(id)).tasks.filter((task) => task.rollback);
    expect(planned.map(({ kind, containerName }) => `${kind} ${containerName}`)).toContain(`DEPLOY ${names.a}`);
    await workAll(hosts);
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
    expect(h1.get(names.a).revision).toBe(3);
    expect(await seed.deployment(id)).toMatchObject({ status: 'ROLLED_BACK', cause: BAD });
  });

  test('for want of an image needs no rollback: nothing was touched', async () => {
    const { hosts, file } = await story();
    const { id } = await seed.compose(file('broken:1'));
    const [missing] = await hosts[0].start();
    await hosts[0].fail(missing, { code: 'IMAGE_NOT_FOUND', message: 'no such image' });
    expect(await workAll(hosts)).toEqual([]);
    await seed.sweep();
    expect(await workAll(hosts)).toEqual([]);
    const { status, cause, tasks } = await seed.deployment(id);
    expect({ status, code: cause?.code }).toEqual({ status: 'ROLLED_BACK', code: 'IMAGE_NOT_FOUND' });
    expect(tasks.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'PULL FAILED',
      'PULL CANCELLED',
      'DEPLOY CANCELLED',
      'DEPLOY CANCELLED',
    ]);
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
  });

  test('is rolled back also where the previous image has to be pulled again, after a pull that failed', async () => {
    const { hosts, file, names } = await story();
    const { id } = await seed.compose(file('broken:1'));
    // Somebody has removed the container, and with it the last trace of the previous image.
    await hosts[1].change(names.b, null);
    const [missing] = await hosts[0].start();
    await hosts[0].fail(missing, { code: 'IMAGE_NOT_FOUND', message: 'no such image' });
    await seed.sweep();
    expect(await workAll(hosts)).toEqual([`${hosts[1].agent.name}: PULL`, `${hosts[1].agent.name}: DEPLOY ${names.b}`]);
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
  });

  test('is FAILED if it is the first: there is nothing to go back to, and what can go on does', async () => {
    const name = `first${++count}`;
    const host = await seed.host(name);
    const file = composeFile(name, { a: service(name), b: service(name), c: service(name, { depends_on: ['a'] }) });
    const { id } = await seed.compose(file);
    expect((await seed.deployment(id)).onFailure).toBe('ROLLBACK');
    for (const pull of await host.start()) await host.complete(pull);
    for (const task of await host.start(`${name}-a-1`)) await host.fail(task, BAD);
    expect(await host.work()).toEqual([`DEPLOY ${name}-b-1`]);
    await seed.sweep();
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', rollbackRevision: null, cause: BAD });
    expect(await stackOf(seed, name)).toMatchObject({ state: 'DEGRADED', revision: 1, goodRevision: null });
  });

  test('stays as it is with onFailure KEEP; what does not depend on the failure goes on', async () => {
    const { hosts, file, names } = await story();
    const { id } = await seed.compose(file('app:2'), { onFailure: 'KEEP' });
    await workAll(hosts, { [names.a]: BAD });
    await seed.sweep();
    expect(await workAll(hosts)).toEqual([]);
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', rollbackRevision: null, cause: BAD });
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:2']);
  });

  test('keeps it too where its file says so, unless the mutation says otherwise', async () => {
    const { hosts, file } = await story();
    const pause = {
      a: { deploy: { ...service(hosts[0].agent.name).deploy, update_config: { failure_action: 'pause' } } },
    };
    const kept = await seed.compose(file('app:2', pause));
    expect((await seed.deployment(kept.id)).onFailure).toBe('KEEP');
    const back = await seed.compose(file('app:3', pause), { onFailure: 'ROLLBACK' });
    expect((await seed.deployment(back.id)).onFailure).toBe('ROLLBACK');
  });

  test('is not rolled back for a service whose failures are to hinder nothing', async () => {
    const { hosts, file, names } = await story();
    const deploy = { ...service(hosts[0].agent.name).deploy, update_config: { failure_action: 'continue' } };
    const { id } = await seed.compose(file('app:2', { a: { deploy } }));
    await workAll(hosts, { [names.a]: BAD });
    await seed.sweep();
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', rollbackRevision: null, cause: BAD });
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:2']);
  });
});

describe('the rollback', () => {
  /** Fails on one host after the other was changed, so that a rollback is due. */
  async function failing() {
    const one = await story();
    const { hosts, file, names } = one;
    const { id } = await seed.compose(file('app:2'));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    for (const task of await hosts[0].start()) await hosts[0].complete(task);
    for (const task of await hosts[1].start()) await hosts[1].fail(task, BAD);
    return { ...one, id, names };
  }
  const dueOf = async (id: string) =>
    (await seed.sql`select rollback_due_at, rollback_revision from deployments where id = ${id}`)[0];

  test('is planned by whoever sweeps next when the server died before it could be', async () => {
    const { id, hosts } = await failing();
    expect(await dueOf(id)).toMatchObject({ rollback_due_at: expect.any(String), rollback_revision: null });
    expect(await workAll(hosts)).toEqual([]);
    await Promise.all([seed.sweep(), seed.sweep(), seed.sweep()]);
    expect(await dueOf(id)).toMatchObject({ rollback_due_at: null, rollback_revision: 3 });
    const planned = (await seed.deployment(id)).tasks.filter((task) => task.rollback);
    expect(new Set(planned.map(({ containerName }) => containerName)).size).toBe(planned.length);
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
  });

  test('that fails itself ends FAILED and tells both', async () => {
    const { id, hosts, names, name } = await failing();
    await seed.sweep();
    await workAll(hosts, { [names.a]: { code: 'PORT_IN_USE', message: 'the port is taken' } });
    await seed.sweep();
    const { status, cause } = await seed.deployment(id);
    expect(status).toBe('FAILED');
    expect(cause).toMatchObject({ code: 'UNHEALTHY', containerName: names.b });
    expect(cause?.message).toMatch(/health check failed.*rollback.*the port is taken/s);
    expect(await stackOf(seed, name)).toMatchObject({ revision: 3, goodRevision: 1 });
  });

  test('ends when it is cancelled, before it began and in its middle', async () => {
    const early = await failing();
    await cancel(early.id);
    await seed.sweep();
    expect(await seed.deployment(early.id)).toMatchObject({ status: 'FAILED', cause: BAD, rollbackRevision: null });
    const late = await failing();
    await seed.sweep();
    await cancel(late.id);
    const { status, cause } = await seed.deployment(late.id);
    expect({ status, code: cause?.code }).toEqual({ status: 'FAILED', code: 'UNHEALTHY' });
    expect(cause?.message).toMatch(/cancelled on request/);
    expect(await workAll(late.hosts)).toEqual([]);
  });

  test('gives way to another file, before it began and in its middle', async () => {
    for (const begun of [false, true]) {
      const { id, hosts, file, name } = await failing();
      if (begun) await seed.sweep();
      const next = await seed.compose(file('app:4'));
      await seed.sweep();
      expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
      await workAll(hosts);
      expect((await seed.deployment(next.id)).status).toBe('SUCCEEDED');
      expect(imagesOf(hosts)).toEqual(['app:4', 'app:4']);
      expect((await stackOf(seed, name)).revision).toBe(begun ? 4 : 3);
    }
  });

  test('gives way to stopping and deleting the stack', async () => {
    const { id, hosts, name } = await failing();
    await seed.sweep();
    await seed.operate('stopStack', name);
    await workAll(hosts);
    await seed.sweep();
    expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
    expect((await stackOf(seed, name)).state).toBe('STOPPED');
  });

  test('says what is wrong when an agent of the good revision is gone', async () => {
    const { id, name, hosts } = await failing();
    await seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: hosts[0].agent.name });
    await seed.sweep();
    const { status, cause } = await seed.deployment(id);
    expect(status).toBe('FAILED');
    expect(cause?.message).toMatch(/health check failed.*could not be rolled back to revision 1/s);
    expect((await stackOf(seed, name)).revision).toBe(2);
  });

  test('makes sure of a container whose agent vanished in the middle of its task', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const { id } = await seed.compose(file('app:2'));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    const [b] = await h2.start();
    await seed.expire(h2.agent);
    await h1.work({ [names.a]: BAD });
    await seed.sweep();
    expect((await seed.deployment(id)).tasks.find((task) => task.id === b?.id)?.status).toBe('CANCELLED');
    // It had been done all the same, but the report was lost.
    h2.containers.set(names.b, { ...h2.get(names.b), image: 'app:2', specHash: 'of revision 2', revision: 2 });
    await h2.agent.open();
    await h2.observe();
    await workAll(hosts);
    expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
  });
});
