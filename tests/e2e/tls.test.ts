import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent, type TestAgent, until } from '../support/agents.ts';
import { type Authority, createAuthority } from '../support/authority.ts';
import { createProxy, type TestProxy } from '../support/proxy.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

let authority: Authority;
let namesOfServer: string;
const proxies: TestProxy[] = [];
const strangers: TestAgent[] = [];

beforeAll(() => {
  authority = createAuthority();
  // This process is a client of the server as well.
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.ca]);
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  authority?.close();
});
const world = useWorld({
  agents: false,
  serverEnv: (address) => {
    namesOfServer = `IP:${address},IP:127.0.0.1`;
    const { certPath, keyPath } = authority.issue(namesOfServer);
    return { GRAPHIUM_TLS_CERT: certPath, GRAPHIUM_TLS_KEY: keyPath };
  },
});
afterAll(async () => {
  for (const stranger of strangers) await stranger.remove();
});

async function proxyWith(certificate: { cert: string; key: string }): Promise<{ url: string; proxy: TestProxy }> {
  const { hostname, port } = new URL(world.server.url);
  const target = { host: hostname, port: Number(port) };
  const proxy = await createProxy(target, world.lab.serverAddress, { ...certificate, ca: authority.ca });
  proxies.push(proxy);
  return { proxy, url: `https://${world.lab.serverAddress}:${proxy.port}` };
}

const online = (name: string, transport: string) =>
  until(
    () =>
      world.ask<{ agents: { name: string; state: string; transport: string }[] }>(
        '{ agents { name state transport } }',
      ),
    ({ agents }) => agents.some((a) => a.name === name && a.state === 'ONLINE' && a.transport === transport),
    { what: `${name} online by ${transport}` },
  );

const deployTo = async (host: string) => {
  const stack = `sealed-${host}`;
  expect((await world.finish(await world.deploy(stackFile(stack, [{ name: stack, host }])))).status).toBe('SUCCEEDED');
  expect((await world.finish(await world.operate('deleteStack', stack))).status).toBe('SUCCEEDED');
};

test('an agent with --ca works over WSS', async () => {
  expect(world.server.url).toMatch(/^https:/);
  const args = ['--ca', authority.caPath];
  world.agents.set('vm1', await startAgent(world.server, world.host('vm1'), { args }));
  await online('vm1', 'STREAM');
  expect(world.agent('vm1').output()).not.toContain('travels in clear');
  await deployTo('vm1');
});

test('and over HTTPS where WSS is refused', async () => {
  const { url, proxy } = await proxyWith(authority.issue(namesOfServer));
  proxy.refuseUpgrades();
  const args = ['--ca', authority.caPath];
  world.agents.set(
    'vm2',
    await startAgent(world.server, world.host('vm2'), { args, url, env: { GRAPHIUM_POLL_MS: '1000' } }),
  );
  await online('vm2', 'POLL');
  await deployTo('vm2');
});

test('without --ca, with another name in the certificate or an expired one, it is refused', async () => {
  const wrongName = await proxyWith(authority.issue('DNS:elsewhere.example'));
  const expired = await proxyWith(authority.issue(namesOfServer, { expired: true }));
  const args = ['--ca', authority.caPath];
  const refusals: [string, Parameters<typeof startAgent>[2], RegExp][] = [
    ['no-ca', {}, /unable to (verify|get)|self-signed/i],
    ['wrong-name', { args, url: wrongName.url }, /does not match certificate|altnames/i],
    ['expired', { args, url: expired.url }, /expired/i],
  ];
  await Promise.all(
    refusals.map(async ([name, options, pattern]) => {
      const agent = await startAgent(world.server, { ...world.host('localhost-docker'), name }, options);
      strangers.push(agent);
      await until(
        async () => agent.output(),
        (output) => pattern.test(output),
        { what: `why ${name} is refused` },
      );
    }),
  );
  const { agents, tokens } = await world.ask<{ agents: { name: string }[]; tokens: Token[] }>(
    '{ agents { name } tokens { kind agent usedAt } }',
  );
  expect(agents.map(({ name }) => name)).toEqual(['vm1', 'vm2']);
  for (const [name] of refusals) {
    expect(tokens.filter(({ kind, agent }) => kind === 'JOIN' && agent === name).map(({ usedAt }) => usedAt)).toEqual([
      null,
    ]);
  }
});

type Token = { kind: string; agent: string | null; usedAt: string | null };

test('there is no switch to turn verification off', async () => {
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const agent = await startAgent(world.server, { ...world.host('localhost-docker'), name: 'careless' }, { env });
  strangers.push(agent);
  await until(
    async () => agent.exitCode(),
    (code) => code !== null,
    { what: 'its end' },
  );
  expect(agent.exitCode()).toBe(2);
  expect(agent.output()).toContain('NODE_TLS_REJECT_UNAUTHORIZED');
});

test('the CI script works with an authority of one’s own, and not without it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-ci-'));
  const file = join(folder, 'stack.json');
  writeFileSync(file, stackFile('sealed-ci', [{ name: 'sealed-ci', host: 'vm1' }]));
  const script = fileURLToPath(new URL('../../examples/ci-deploy.sh', import.meta.url));
  const run = (env: Record<string, string>) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const variables = {
        PATH: process.env.PATH,
        GRAPHIUM_URL: world.server.url,
        GRAPHIUM_TOKEN: world.server.adminToken,
      };
      execFile('sh', [script, file], { env: { ...variables, ...env } }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      );
    });
  try {
    const trusted = await run({ CURL_CA_BUNDLE: authority.caPath });
    expect(trusted.output).toContain('SUCCEEDED');
    expect(trusted.code).toBe(0);
    const refused = await run({});
    expect(refused.code).toBe(2);
    expect(refused.output).toMatch(/certificate/i);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  expect((await world.finish(await world.operate('deleteStack', 'sealed-ci'))).status).toBe('SUCCEEDED');
});
