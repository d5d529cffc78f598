import { describe, expect, test } from 'vitest';
import { workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';
import { BAD, imagesOf, stackOf, startTwoHosts } from '../../support/two-hosts.ts';

/** A newer file, an earlier revision, once more: what somebody asks for over what is there. */
const seed = useSeed();

let count = 0;
const story = () => startTwoHosts(seed, `asked${++count}`);

describe('a newer file', () => {
  test('takes the place of a deployment that is half through: what runs is asked to stop, the rest is planned anew', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const { id } = await seed.compose(file('app:2'));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    for (const task of await h1.start()) await h1.complete(task);
    const [running] = await h2.start();
    const next = await seed.compose(file('app:1'));
    expect(await seed.deployment(id)).toMatchObject({ status: 'RUNNING', supersededBy: next.id });
    const tasks = (await seed.deployment(next.id)).tasks.map(({ kind, containerName }) => `${kind} ${containerName}`);
    // The container that is being changed gets a task, although it still looks as it should.
    expect(tasks).toEqual(expect.arrayContaining([`DEPLOY ${names.a}`, `DEPLOY ${names.b}`]));
    await h2.complete(running);
    expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
    await workAll(hosts);
    expect((await seed.deployment(next.id)).status).toBe('SUCCEEDED');
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
  });

  test('that came before the failure was known is not rolled back with the old one', async () => {
    const { hosts, file } = await story();
    const { id } = await seed.compose(file('app:2'));
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    const [a] = await hosts[0].start();
    const next = await seed.compose(file('app:3'));
    await hosts[0].fail(a, BAD);
    await seed.sweep();
    expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
    await workAll(hosts);
    expect((await seed.deployment(next.id)).status).toBe('SUCCEEDED');
  });
});

describe('rollbackStack', () => {
  test('to a number makes a new revision that is like it', async () => {
    const { name, hosts, file } = await story();
    for (const image of ['app:2', 'app:3']) {
      await seed.compose(file(image));
      await workAll(hosts);
    }
    const to1 = await seed.run('rollbackStack', { name, toRevision: 1 });
    expect(await seed.deployment(to1.id)).toMatchObject({ kind: 'ROLLBACK', revision: 4 });
    await workAll(hosts);
    expect((await seed.deployment(to1.id)).status).toBe('SUCCEEDED');
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
    expect(await stackOf(seed, name)).toMatchObject({
      goodRevision: 4,
      revisions: [{ note: 'as revision 1' }, {}, {}, {}],
    });
  });

  test('each time one step further back, and never to what was just left', async () => {
    const { name, hosts, file } = await story();
    for (const image of ['app:2', 'app:3']) {
      await seed.compose(file(image));
      await workAll(hosts);
    }
    for (const image of ['app:2', 'app:1']) {
      const { id } = await seed.run('rollbackStack', { name });
      await workAll(hosts);
      expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
      expect(imagesOf(hosts)).toEqual([image, image]);
    }
    const { code, message } = await seed.refused('rollbackStack', { name });
    expect(code).toBe('NOT_FOUND');
    expect(message).toContain('no good revision before 1 (revision 5, the current one, is as that)');
    // The same after a failure that was rolled back by itself.
    await seed.compose(file('app:4'));
    await workAll(hosts, { [`${name}-a-1`]: BAD });
    await seed.sweep();
    await workAll(hosts);
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
    expect((await seed.refused('rollbackStack', { name })).code).toBe('NOT_FOUND');
  });

  test('skips revisions that did not come up', async () => {
    const { name, hosts, file, names } = await story();
    await seed.compose(file('app:2'), { onFailure: 'KEEP' });
    await workAll(hosts, { [names.a]: BAD });
    const { id } = await seed.run('rollbackStack', { name });
    await workAll(hosts);
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('is refused for a revision or a stack that is not there, and where there is none before', async () => {
    const { name } = await story();
    for (const args of [{ name, toRevision: 9 }, { name: 'nothing', toRevision: 1 }, { name }]) {
      expect((await seed.refused('rollbackStack', args)).code, JSON.stringify(args)).toBe('NOT_FOUND');
    }
  });

  test('that fails is itself rolled back to what was good', async () => {
    const { name, hosts, file, names } = await story();
    await seed.compose(file('app:2'));
    await workAll(hosts);
    const { id } = await seed.run('rollbackStack', { name, toRevision: 1 });
    await workAll(hosts, { [names.a]: BAD });
    await seed.sweep();
    await workAll(hosts);
    expect(await seed.deployment(id)).toMatchObject({ status: 'ROLLED_BACK', cause: BAD });
    expect(imagesOf(hosts)).toEqual(['app:2', 'app:2']);
  });

  test('with the same key is done once', async () => {
    const { name, hosts, file } = await story();
    await seed.compose(file('app:2'));
    await workAll(hosts);
    const key = { options: { idempotencyKey: `${name}-key` } };
    const once = await seed.run('rollbackStack', { name, toRevision: 1, ...key });
    expect((await seed.run('rollbackStack', { name, toRevision: 1, ...key })).id).toBe(once.id);
    await workAll(hosts);
    expect((await seed.run('rollbackStack', { name, toRevision: 1, ...key })).id).toBe(once.id);
    const other = await seed.refused('rollbackStack', { name, toRevision: 2, ...key });
    expect(other.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await stackOf(seed, name)).revision).toBe(3);
  });
});

describe('retryDeployment', () => {
  test('does again what failed and was kept, as a new deployment with the same options', async () => {
    const { hosts, file, names } = await story();
    const options = { onFailure: 'KEEP', priority: 3, maxRetries: 0, timeoutSeconds: 600, taskTimeoutSeconds: 60 };
    const { id } = await seed.compose(file('app:2'), options);
    await workAll(hosts, { [names.a]: BAD });
    const again = await seed.run('retryDeployment', { id, idempotencyKey: `${id}-again` });
    expect((await seed.run('retryDeployment', { id, idempotencyKey: `${id}-again` })).id).toBe(again.id);
    const view = await seed.deployment(again.id);
    expect(view).toMatchObject({ kind: 'DEPLOY', revision: 2, retryOf: id, onFailure: 'KEEP' });
    expect(view.deadline).not.toBeNull();
    expect(view.tasks.every((task) => task.priority === 300)).toBe(true);
    await workAll(hosts);
    expect((await seed.deployment(again.id)).status).toBe('SUCCEEDED');
    expect(imagesOf(hosts)).toEqual(['app:2', 'app:2']);
  });

  test('is refused for what was rolled back, runs, succeeded, or is not the newest', async () => {
    const { hosts, file, names } = await story();
    const rolledBack = await seed.compose(file('app:2'));
    const running = await seed.refused('retryDeployment', { id: rolledBack.id });
    await workAll(hosts, { [names.a]: BAD });
    await seed.sweep();
    await workAll(hosts);
    const back = await seed.refused('retryDeployment', { id: rolledBack.id });
    const good = await seed.compose(file('app:3'));
    await workAll(hosts);
    const succeeded = await seed.refused('retryDeployment', { id: good.id });
    expect([running, back, succeeded].map(({ code }) => code)).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT']);
    expect(running.message).toMatch(/RUNNING/);
    expect(back.message).toMatch(/rolled back/);
    const kept = await seed.compose(file('app:4'), { onFailure: 'KEEP' });
    await workAll(hosts, { [names.a]: BAD });
    await seed.compose(file('app:3'));
    expect((await seed.refused('retryDeployment', { id: kept.id })).message).toMatch(/newer deployment/);
  });
});
