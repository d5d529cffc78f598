import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** Restarting one service and scaling one. */
const seed = useSeed();

let count = 0;
async function host(): Promise<{ name: string; host: FakeHost }> {
  const name = `one${++count}`;
  return { name, host: await seed.host(name) };
}

describe('restartStack', () => {
  test('of one service takes along those that ask for it, in order', async () => {
    const { name, host: on } = await host();
    const needs = (of: string, restart: boolean) => ({
      depends_on: { [of]: { condition: 'service_healthy', restart } },
    });
    const services = {
      db: service(name),
      api: service(name, needs('db', true)),
      web: service(name, needs('api', true)),
      other: service(name, needs('db', false)),
    };
    await seed.compose(composeFile(name, services));
    await on.work();
    const before = new Map(on.containers);
    const { id } = await seed.run('restartStack', { name, services: ['db'] });
    expect(await seed.deployment(id)).toMatchObject({ kind: 'RESTART', services: ['db'] });
    expect(await on.work()).toEqual(['db', 'api', 'web'].map((one) => `RESTART ${name}-${one}-1`));
    expect(on.get(`${name}-other-1`)).toEqual(before.get(`${name}-other-1`));
    expect(on.get(`${name}-db-1`).id).toBe(before.get(`${name}-db-1`)?.id);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    await seed.run('restartStack', { name, services: ['web'] });
    expect(await on.work()).toEqual([`RESTART ${name}-web-1`]);
    const unknown = await seed.refused('restartStack', { name, services: ['web', 'nobody'] });
    expect(unknown).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('db, api, web, other') });
  });
});

describe('scaleStack', () => {
  async function scalable() {
    const { name, host: on } = await host();
    const web = service(name);
    const services = { web: { ...web, deploy: { ...web.deploy, replicas: 2 } }, db: service(name) };
    await seed.compose(composeFile(name, services));
    await on.work();
    const scale = (replicas: number, of = 'web') => ({ name, service: of, replicas });
    return { name, on, scale, services };
  }
  const revisionOf = async (name: string) =>
    (await seed.sql`select revision from stacks where name = ${name}`)[0]?.revision;

  test('up, down and to nothing; the rest is not touched, and each is a revision', async () => {
    const { name, on, scale } = await scalable();
    const first = on.get(`${name}-web-1`);
    const up = await seed.run('scaleStack', scale(4));
    expect(await on.work()).toEqual([`DEPLOY ${name}-web-3`, `DEPLOY ${name}-web-4`]);
    expect(on.get(`${name}-web-1`)).toBe(first);
    expect(await seed.deployment(up.id)).toMatchObject({ kind: 'DEPLOY', revision: 2, status: 'SUCCEEDED' });
    await seed.run('scaleStack', scale(1));
    expect((await on.work()).toSorted()).toEqual([2, 3, 4].map((n) => `DELETE ${name}-web-${n}`));
    await seed.run('scaleStack', scale(0));
    expect(await on.work()).toEqual([`DELETE ${name}-web-1`]);
    expect(on.names()).toEqual([`${name}-db-1`]);
    const { stack } = await seed.ask<{ stack: { state: string; revisions: object[] } }>(
      `{ stack(name: "${name}") { state revisions { note } } }`,
    );
    expect(stack.state).toBe('RUNNING');
    expect(stack.revisions).toMatchObject(
      ['web scaled to 0', 'web scaled to 1', 'web scaled to 4', null].map((note) => ({ note })),
    );
    await seed.run('scaleStack', scale(2));
    expect((await on.work()).toSorted()).toEqual([1, 2].map((n) => `DEPLOY ${name}-web-${n}`));
  });

  test('to what it is does nothing; the next file says its own number', async () => {
    const { name, on, scale, services } = await scalable();
    expect((await seed.run('scaleStack', scale(2))).status).toBe('SUCCEEDED');
    expect(await revisionOf(name)).toBe(1);
    await seed.run('scaleStack', scale(3));
    await on.work();
    await seed.compose(composeFile(name, services));
    expect(await on.work()).toEqual([`DELETE ${name}-web-3`]);
  });

  test('is refused where it means nothing', async () => {
    const { name } = await scalable();
    const agent = `${name}-other`;
    await seed.host(agent);
    const global = { ...service(agent), deploy: { ...service(agent).deploy, mode: 'global' } };
    await seed.compose(composeFile(agent, { all: global, named: service(agent, { container_name: `${agent}-one` }) }));
    const refused = async (args: object) =>
      (await seed.refused('scaleStack', { name: agent, replicas: 2, ...args })).code;
    expect(await refused({ service: 'all' })).toBe('BAD_INPUT');
    expect(await refused({ service: 'named' })).toBe('BAD_INPUT');
    expect(await refused({ service: 'nobody' })).toBe('NOT_FOUND');
    expect(await refused({ service: 'named', replicas: -1 })).toBe('BAD_INPUT');
    expect(await refused({ service: 'named', replicas: 1_001 })).toBe('BAD_INPUT');
    expect(await refused({ service: 'named', name: 'nothing' })).toBe('NOT_FOUND');
    expect((await seed.run('scaleStack', { name: agent, service: 'named', replicas: 0 })).status).toBe('RUNNING');
    await seed.operate('deleteStack', agent);
    expect(await refused({ service: 'named', replicas: 1 })).toBe('CONFLICT');
  });

  test('works for a stack that came from a JSON-LD file, or says why not', async () => {
    const { name, host: on } = await host();
    await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
    await on.work();
    const { code, message } = await seed.refused('scaleStack', { name, service: `${name}-a`, replicas: 2 });
    expect({ code, message }).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('container name') });
  });
});
