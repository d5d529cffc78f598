import { describe, expect, test } from 'vitest';
import { backUp } from '../../support/backup.ts';
import { composeFile, service } from '../../support/compose-file.ts';
import type { FakeContainer, FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** Containers with our labels that nothing wants, and a database that is older than its hosts. */
const seed = useSeed();

let count = 0;
async function story() {
  const name = `orphan${++count}`;
  const host = await seed.host(name);
  const file = (image = 'app:1', ...services: string[]) =>
    composeFile(name, Object.fromEntries(['web', ...services].map((one) => [one, service(name, { image })])));
  return { name, host, file, web: `${name}-web-1` };
}
type Orphan = { stack: string; agent: string; reason: string; isBeingRemoved: boolean; container: { name: string } };
const orphansOf = async (name: string) => {
  const query = '{ orphans { stack agent reason isBeingRemoved container { name } } }';
  return (await seed.ask<{ orphans: Orphan[] }>(query)).orphans.filter(({ stack }) => stack === name);
};
const latestOf = async (name: string) =>
  (
    await seed.sql`select d.id, d.kind, d.status, d.created_by from deployments d join stacks s on s.id = d.stack_id
      where s.name = ${name} order by d.created_at desc limit 1`
  )[0];
const stackOf = async (name: string) => {
  const query = `query($n: String!) { stack(name: $n) { state revision goodRevision } }`;
  type View = { state: string; revision: number; goodRevision: number | null };
  return (await seed.ask<{ stack: View | null }>(query, { n: name })).stack;
};
/** Graphium's own deployments wait a little after earlier ones. */
const later = () => seed.sql`update deployments set finished_at = finished_at - interval '2 minutes'
  where finished_at is not null`;
const sweepLater = async () => {
  await later();
  await seed.sweep();
};
const backup = (name: string) => backUp(seed, name);

describe('orphans', () => {
  test('of a stack that nobody knows are listed and never removed unasked', async () => {
    const { name, host } = await story();
    await host.add({ name: `${name}-x-1`, stack: name, revision: 9 });
    expect(await orphansOf(name)).toEqual([
      { stack: name, agent: name, reason: 'UNKNOWN_STACK', isBeingRemoved: false, container: { name: `${name}-x-1` } },
    ]);
    for (let again = 0; again < 3; again++) await sweepLater();
    expect(await host.agent.pending()).toEqual([]);
  });

  test('of a known stack are listed; those that Graphium made and gave up go by themselves, others do not', async () => {
    const { name, host, file, web } = await story();
    await seed.compose(file('app:1', 'old'));
    await host.work();
    const old = host.get(`${name}-old-1`);
    await seed.compose(file());
    await host.work();
    expect(await orphansOf(name)).toEqual([]);
    // The host comes back from a snapshot.
    await host.add(old);
    await host.add({ name: `${name}-x-1`, stack: name });
    await host.add({ ...old, id: 'another', name: `${name}-y-1`, taskId: crypto.randomUUID() });
    expect(await orphansOf(name)).toMatchObject([
      { reason: 'NOT_WANTED', isBeingRemoved: true, container: { name: `${name}-old-1` } },
      { reason: 'NOT_WANTED', isBeingRemoved: false, container: { name: `${name}-x-1` } },
      { reason: 'NOT_WANTED', isBeingRemoved: false, container: { name: `${name}-y-1` } },
    ]);
    await sweepLater();
    expect(await host.work()).toEqual([`DELETE ${name}-old-1`]);
    for (let again = 0; again < 2; again++) await sweepLater();
    expect(host.names()).toEqual([web, `${name}-x-1`, `${name}-y-1`]);
  });

  test('of a deleted stack go by themselves, but not with them what somebody else made under its name', async () => {
    const { name, host, file, web } = await story();
    await seed.compose(file());
    await host.work();
    const old = host.get(web);
    await seed.operate('deleteStack', name);
    await host.work();
    await host.add(old);
    await host.add({ name: `${name}-x-1`, stack: name });
    expect((await orphansOf(name)).map(({ isBeingRemoved }) => isBeingRemoved)).toEqual([true, false]);
    await sweepLater();
    expect(await host.work()).toEqual([`DELETE ${web}`]);
    expect(host.names()).toEqual([`${name}-x-1`]);
    expect(await stackOf(name)).toBeNull();
  });
});

describe('removeOrphans', () => {
  const remove = (args: Record<string, unknown>) => seed.run('removeOrphans', args);

  test('removes those of a stack that is not known, which then is not known either', async () => {
    const { name, host } = await story();
    await host.add({ name: `${name}-x-1`, stack: name, revision: 4 });
    await host.add({ name: 'other-1', stack: `${name}-other` });
    const { id } = await remove({ stack: name });
    expect(await host.work()).toEqual([`DELETE ${name}-x-1`, 'CLEAN']);
    expect(await seed.deployment(id)).toMatchObject({ kind: 'DELETE', status: 'SUCCEEDED' });
    expect(host.names()).toEqual(['other-1']);
    expect(await orphansOf(name)).toEqual([]);
    expect(await stackOf(name)).toBeNull();
  });

  test('on one host leaves those of the others', async () => {
    const { name, host } = await story();
    const other = await seed.host(`${name}-b`);
    for (const one of [host, other]) await one.add({ name: `${name}-x-1`, stack: name });
    await remove({ stack: name, agent: name });
    expect(await other.agent.pending()).toEqual([]);
    expect(await host.work()).toEqual([`DELETE ${name}-x-1`, 'CLEAN']);
    await sweepLater();
    expect(await other.agent.pending()).toEqual([]);
    expect(await orphansOf(name)).toMatchObject([{ agent: `${name}-b`, isBeingRemoved: false }]);
    await remove({ stack: name });
    expect(await other.work()).toEqual([`DELETE ${name}-x-1`, 'CLEAN']);
  });

  test('of a stack that is there touches nothing that it wants, and does not make its revision a good one', async () => {
    const { name, host, file, web } = await story();
    await seed.compose(file());
    await host.work();
    await seed.compose(file('app:2'), { onFailure: 'KEEP' });
    await host.work({ [web]: { code: 'UNHEALTHY', message: 'bad' } });
    await host.add({ name: `${name}-x-1`, stack: name });
    const before = host.get(web);
    const { id } = await remove({ stack: name });
    expect(await host.work()).toEqual([`DELETE ${name}-x-1`]);
    expect(host.get(web)).toBe(before);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(await stackOf(name)).toMatchObject({ revision: 2, goodRevision: 1 });
    await seed.run('rollbackStack', { name });
    await host.work();
    expect(host.get(web).image).toBe('app:1');
  });

  test('waits for a deployment that is at work, and refuses what is not there', async () => {
    const { name, host, file } = await story();
    expect((await seed.refused('removeOrphans', { stack: name })).code).toBe('NOT_FOUND');
    expect((await seed.refused('removeOrphans', { stack: name, agent: 'nobody' })).code).toBe('NOT_FOUND');
    const { id } = await seed.compose(file());
    await host.add({ name: `${name}-x-1`, stack: name });
    expect((await seed.refused('removeOrphans', { stack: name })).code).toBe('CONFLICT');
    await host.work();
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    const removal = await remove({ stack: name });
    await host.work({ [`${name}-x-1`]: { code: 'ENGINE', message: 'no' } });
    expect((await seed.deployment(removal.id)).status).toBe('FAILED');
    expect((await seed.refused('retryDeployment', { id: removal.id })).code).toBe('CONFLICT');
    expect(await stackOf(name)).toMatchObject({ goodRevision: 1 });
  });
});

describe('adoptOrphans', () => {
  /** Leaves a stack running whose database is gone. */
  async function forgotten(image = 'app:1') {
    const one = await story();
    const forget = await backup(one.name);
    await seed.compose(one.file('app:0'));
    await one.host.work();
    await seed.compose(one.file(image));
    await one.host.work();
    await forget();
    expect(await stackOf(one.name)).toBeNull();
    return one;
  }
  const adopt = (source: string) => seed.run('adoptOrphans', { source: { compose: source } });

  test('takes over what is as the file says, untouched, and later files change it', async () => {
    const { name, host, file, web } = await forgotten();
    const before = host.get(web);
    expect(await orphansOf(name)).toMatchObject([{ reason: 'UNKNOWN_STACK', isBeingRemoved: false }]);
    const { id } = await adopt(file());
    expect(await host.work()).toEqual([]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(host.get(web)).toBe(before);
    expect(await orphansOf(name)).toEqual([]);
    await seed.compose(file('app:2'));
    await host.work();
    expect(host.get(web).revision).toBeGreaterThan(before.revision);
  });

  test('starts what had stopped, and is refused if the file would replace or remove anything', async () => {
    const { name, host, file, web } = await forgotten();
    const other = await seed.refused('adoptOrphans', { source: { compose: file('app:7') } });
    expect(other).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(`${web} on ${name}: REPLACE`) });
    await host.add({ name: `${name}-x-1`, stack: name });
    const more = await seed.refused('adoptOrphans', { source: { compose: file() } });
    expect(more).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('REMOVE') });
    expect(await stackOf(name)).toBeNull();
    await host.change(`${name}-x-1`, null);
    await host.change(web, { state: 'EXITED', exitCode: 1 });
    await adopt(file());
    expect(await host.work()).toEqual([`DEPLOY ${web}`]);
  });

  test('finds nothing where nothing is', async () => {
    const { file } = await story();
    expect((await seed.refused('adoptOrphans', { source: { compose: file() } })).code).toBe('NOT_FOUND');
  });
});

describe('a database restored from a backup', () => {
  /** The backup knows revision 1; the host has gone on to revision 3 with another service. */
  async function restored(args: object = {}) {
    const one = await story();
    const { name, host, file } = one;
    await seed.compose(file('app:1'), {}, args);
    await host.work();
    const restore = await backup(name);
    for (const image of ['app:2', 'app:3']) {
      await seed.compose(file(image, 'extra'));
      await host.work();
    }
    await restore();
    expect(await stackOf(name)).toMatchObject({ revision: 1 });
    return { ...one, extra: `${name}-extra-1` };
  }
  const names = ({ containers }: FakeHost) => [...containers.values()].map(({ image }: FakeContainer) => image);

  test('empties no host and takes nothing back by itself, with autoRepair neither', async () => {
    const { name, host } = await restored({ autoRepair: true });
    for (let again = 0; again < 3; again++) await sweepLater();
    expect(await host.agent.pending()).toEqual([]);
    expect(names(host)).toEqual(['app:3', 'app:3']);
    expect((await latestOf(name))?.kind).toBe('DEPLOY');
    expect(await orphansOf(name)).toMatchObject([{ reason: 'NOT_WANTED', isBeingRemoved: false }]);
  });

  test.each(['app:1', 'app:3', 'app:4'])('the next file, %s, gets a number above what hosts have', async (image) => {
    const { name, host, file, web } = await restored();
    const { id } = await seed.compose(file(image, 'extra'));
    expect((await seed.deployment(id)).revision).toBe(4);
    const tasks = await host.work();
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(host.get(web).image).toBe(image);
    if (image === 'app:3') expect(tasks).toEqual([]);
    expect(await stackOf(name)).toMatchObject({ revision: 4, state: 'RUNNING' });
  });

  test('repairing it as somebody asks for gets such a number too, and so does the file that it has', async () => {
    for (const by of ['repair', 'deploy']) {
      const { name, host, file, web } = await restored();
      const { id } = by === 'repair' ? await seed.run('repairStack', { name }) : await seed.compose(file());
      expect((await seed.deployment(id)).revision, by).toBe(4);
      await host.work();
      expect(host.get(web)).toMatchObject({ image: 'app:1', revision: 4 });
    }
  });

  test('a stack that is made anew begins above what its namesake left on hosts', async () => {
    const { name, host, file, web } = await story();
    await host.add({ name: web, stack: name, revision: 7 });
    const { id } = await seed.compose(file());
    expect((await seed.deployment(id)).revision).toBe(8);
    expect(await host.work()).toEqual(['PULL', `DEPLOY ${web}`]);
    expect(host.get(web).revision).toBe(8);
  });
});
