import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { container, createSeed, type Seed, stackFile } from '../../support/seed.ts';

let seed: Seed;
beforeAll(async () => {
  seed = await createSeed(inject('postgresUrl'));
  await seed.agent('vm1');
});
afterAll(() => seed.close());
beforeEach(() => {
  seed.logged.length = 0;
});

const INFO = 30;
const DEPLOY = 'mutation($s: String!) { deployStack(source: { jsonld: $s }) { id } }';
const lines = () =>
  seed.logged
    .filter((line) => line.msg === 'mutation')
    .map(({ pid: _pid, hostname: _hostname, time: _time, ...line }) => line);

test('a deploy is one line, and nothing of what was deployed is in it', async () => {
  const environment = { PASSWORD: 'top-secret' };
  const { id } = await seed.deploy(stackFile('shop', [container('shop-a', 'vm1', { environment })]));
  const line = { level: INFO, msg: 'mutation', who: 'admin', what: 'deployStack', stack: 'shop', deployment: id };
  expect(lines()).toEqual([{ ...line, ms: expect.any(Number) }]);
  expect(JSON.stringify(seed.logged)).not.toContain('top-secret');
});

test('the same over a WebSocket, for every mutation of one request', async () => {
  const wire = await seed.wire();
  const { data } = await wire.ask<{ stop: { id: string }; start: { id: string } }>(
    'mutation { stop: stopStack(name: "shop") { id } start: startStack(name: "shop") { id } }',
  );
  expect(lines()).toMatchObject([
    { who: 'admin', what: 'stopStack', stack: 'shop', deployment: data?.stop.id },
    { who: 'admin', what: 'startStack', stack: 'shop', deployment: data?.start.id },
  ]);
});

test('what is refused has its code', async () => {
  const viewer = await seed.token('VIEWER');
  await seed.try(DEPLOY, { s: '{"PASSWORD": "top-secret"' });
  await seed.try('mutation { stopStack(name: "shop") { id } }', {}, viewer.secret);
  await seed.try('mutation { stopStack(name: "shop") { id } }', {}, '');
  await seed.try('mutation { deleteStack(name: "nowhere") { id } }');
  await seed.try('mutation { stopStack(name: "shop", options: { idempotencyKey: "" }) { id } }');
  const admin = { level: INFO, who: 'admin', stack: 'shop', ms: expect.any(Number) };
  expect(lines()).toEqual([
    { level: INFO, msg: 'mutation', who: 'admin', what: 'deployStack', code: 'STACK_INVALID', ms: expect.any(Number) },
    { ...admin, msg: 'mutation', who: 'viewer', what: 'stopStack', code: 'FORBIDDEN' },
    { ...admin, msg: 'mutation', who: null, what: 'stopStack', code: 'UNAUTHENTICATED' },
    { ...admin, msg: 'mutation', what: 'deleteStack', stack: 'nowhere', code: 'NOT_FOUND' },
    { ...admin, msg: 'mutation', what: 'stopStack', code: 'BAD_INPUT' },
  ]);
  expect(JSON.stringify(seed.logged)).not.toContain('top-secret');
});

test('tokens are made without their names or secrets in the log', async () => {
  await seed.ask('mutation { createToken(name: "of-bob", role: VIEWER) { secret } }');
  expect(lines()).toEqual([
    { level: INFO, msg: 'mutation', who: 'admin', what: 'createToken', ms: expect.any(Number) },
  ]);
});

test('agents are heard of when they do what is not theirs, and at debug otherwise', async () => {
  const agent = await seed.agent('vm2');
  seed.logged.length = 0;
  await agent.observe([]);
  expect(lines()).toEqual([]);
  await seed.try(DEPLOY, { s: '' }, agent.secret);
  expect(lines()).toMatchObject([{ level: INFO, who: 'vm2', what: 'deployStack', code: 'FORBIDDEN' }]);
});
