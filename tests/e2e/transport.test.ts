import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent, until } from '../support/agents.ts';
import { createProxy, type TestProxy } from '../support/proxy.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

/** Every host has a proxy of its own before the server: vm1's refuses upgrades at first, vm2's falls silent. */
const proxies = new Map<string, TestProxy>();
afterAll(async () => {
  for (const proxy of proxies.values()) await proxy.close();
});
const world = useWorld({ agents: false });

beforeAll(async () => {
  const { hostname, port } = new URL(world.server.url);
  for (const host of world.lab.hosts) {
    const proxy = await createProxy({ host: hostname, port: Number(port) }, world.lab.serverAddress);
    proxies.set(host.name, proxy);
    if (host.name === 'vm1') proxy.refuseUpgrades();
    const url = `http://${world.lab.serverAddress}:${proxy.port}`;
    world.agents.set(
      host.name,
      await startAgent(world.server, host, { url, env: { GRAPHIUM_STREAM_RETRY_MS: '2000' } }),
    );
  }
});

type Agent = { state: string; transport: string | null; connectedAt: string | null };

const agentOf = async (name: string) =>
  (
    await world.ask<{ agent: Agent | null }>(
      'query ($name: String!) { agent(name: $name) { state transport connectedAt } }',
      {
        name,
      },
    )
  ).agent;

const uses = (name: string, transport: string, timeoutMs = 20_000) =>
  until(
    () => agentOf(name),
    (agent) => agent?.state === 'ONLINE' && agent.transport === transport,
    { what: `${name} by ${transport}`, timeoutMs },
  );

const proxyOf = (name: string) => {
  const proxy = proxies.get(name);
  if (!proxy) throw new Error(`no proxy before ${name}`);
  return proxy;
};

test.concurrent('WebSocket refused: it polls and works; allowed again: the stream, and what runs goes on', async () => {
  await uses('vm1', 'POLL');
  const deployed = await world.finish(await world.deploy(stackFile('polled', [{ name: 'polled-1', host: 'vm1' }])));
  expect(deployed.status).toBe('SUCCEEDED');

  // It is healthy only after some seconds, and in the meantime the transport changes back and forth.
  const healthCheck = { command: 'test $(($(date +%s) - $(stat -c %Y /proc/1))) -ge 12', interval: 1, retries: 60 };
  const id = await world.deploy(stackFile('slow', [{ name: 'slow-1', host: 'vm1', healthCheck }]));
  const isVerifying = () => world.sql`select 1 from tasks where deployment_id = ${id} and phase = 'VERIFYING'`;
  await until(isVerifying, (rows) => rows.length > 0, { what: 'the health check' });
  proxyOf('vm1').allowUpgrades();
  await uses('vm1', 'STREAM');
  proxyOf('vm1').refuseUpgrades();
  await uses('vm1', 'POLL');
  proxyOf('vm1').allowUpgrades();
  await uses('vm1', 'STREAM');
  const { status, tasks } = await world.finish(id);
  expect(status).toBe('SUCCEEDED');
  expect(tasks.map(({ kind, attempt }) => [kind, attempt])).toEqual([['DEPLOY', 1]]);
  for (const stack of ['polled', 'slow']) {
    expect((await world.finish(await world.operate('deleteStack', stack))).status).toBe('SUCCEEDED');
  }
});

test.concurrent('a link that went silent is noticed within 35 s, and replaced', async () => {
  const before = await uses('vm2', 'STREAM');
  expect(proxyOf('vm2').upgraded()).toBe(1);
  proxyOf('vm2').silence();
  await until(
    () => agentOf('vm2'),
    (agent) => agent?.state === 'ONLINE' && agent.connectedAt !== before?.connectedAt,
    { timeoutMs: 35_000, what: 'a new session' },
  );
  const { status } = await world.finish(await world.deploy(stackFile('heard', [{ name: 'heard-1', host: 'vm2' }])));
  expect(status).toBe('SUCCEEDED');
  expect((await world.finish(await world.operate('deleteStack', 'heard'))).status).toBe('SUCCEEDED');
});
