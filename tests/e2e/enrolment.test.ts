import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentsOnline, startAgent, until } from '../support/agents.ts';
import { createProxy } from '../support/proxy.ts';
import { graphql } from '../support/server.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ agents: false });

test('a join token works once, the credential is for its owner alone, and a restart needs no token', async () => {
  const agent = await startAgent(world.server, world.host('vm1'), { args: ['--label', 'zone=eu-1'] });
  world.agents.set('vm1', agent);
  await agentsOnline(world.server, ['vm1']);
  const path = agent.credentialPath;
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  const secret = /gph_agent_\w+_[\w-]+/.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
  expect(secret).not.toBe('');
  expect(agent.output()).not.toContain(secret);
  expect(world.server.output()).not.toContain(secret);

  // An agent's credential is not a user's token.
  const { errors } = await graphql(world.server, secret, '{ stacks { name } }');
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');

  await agent.stop();
  await until(
    () => world.ask<{ agents: { state: string }[] }>('{ agents { state } }'),
    ({ agents }) => agents[0]?.state === 'OFFLINE',
    { what: 'a good-bye that counts at once', timeoutMs: 5_000 },
  );
  expect(agent.output()).not.toContain('--label');
  const labels = 'labels: [{ key: "zone", value: "us-9" }]';
  await world.ask(`mutation { setAgentLabels(name: "vm1", ${labels}) { name } }`);
  agent.start({ withoutJoin: true });
  await agentsOnline(world.server, ['vm1']);
  await until(
    async () => agent.output(),
    (output) => output.includes('zone=eu-1 (it is zone=us-9)'),
    { what: 'a word on the label that does not count' },
  );
  expect(agent.output().match(/"enrolled"/g)).toHaveLength(1);
});

test('a join token that was used is refused', async () => {
  const { createJoinToken } = await world.ask<{ createJoinToken: { secret: string } }>(
    'mutation { createJoinToken { secret } }',
  );
  const enroll = (name: string) =>
    graphql<{ enrollAgent: { name: string } }>(
      world.server,
      createJoinToken.secret,
      'mutation ($name: String!) { enrollAgent(name: $name) { name } }',
      { name },
    );
  // Both enroll at the same time, and one of them wins.
  const results = await Promise.all([enroll('twin-1'), enroll('twin-2')]);
  expect(results.filter(({ data }) => data)).toHaveLength(1);
  const codes = results.flatMap(({ errors }) => errors?.map(({ extensions }) => extensions.code) ?? []);
  expect(codes).toEqual(['UNAUTHENTICATED']);
  expect((await enroll('twin-3')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
});

test('an agent that is removed says so and ends', async () => {
  const agent = await startAgent(world.server, world.host('vm2'));
  world.agents.set('vm2', agent);
  await agentsOnline(world.server, ['vm2']);
  await world.ask('mutation { removeAgent(name: "vm2") { name } }');
  await until(
    async () => agent.exitCode(),
    (code) => code !== null,
    { what: 'its end' },
  );
  expect(agent.exitCode()).toBe(3);
  expect(agent.output()).toContain('removed');
});

test('an agent whose first answers are lost, and which is killed then, gets its credential with the same join token', async () => {
  const { hostname, port } = new URL(world.server.url);
  const proxy = await createProxy({ host: hostname, port: Number(port) }, world.lab.serverAddress);
  proxy.loseAnswers(2);
  const url = `http://${world.lab.serverAddress}:${proxy.port}`;
  const agent = await startAgent(world.server, world.host('vm2'), { url });
  try {
    await until(
      async () => agent.output(),
      (output) => output.includes('cannot be reached to enroll'),
      { what: 'the loss of the answer' },
    );
    expect((await world.ask<{ agents: { name: string }[] }>('{ agents { name } }')).agents).toContainEqual({
      name: 'vm2',
    });
    await agent.kill();
    agent.start();
    await agentsOnline(world.server, ['vm2']);
    expect(agent.output()).toContain('enrolled');
    expect(readdirSync(join(agent.credentialPath, '..')).sort()).toEqual(['agent.json', 'join']);
  } finally {
    await agent.remove();
    await proxy.close();
  }
});

test('a policy file of the host allows what it names and nothing else', async () => {
  const host = world.host('localhost-docker');
  const policy = join(agentFolder(), 'policy.json');
  writeFileSync(policy, JSON.stringify({ allowHostNamespaces: ['network'] }));
  world.agents.set(host.name, await startAgent(world.server, host, { args: ['--policy', policy] }));
  await agentsOnline(world.server, [host.name]);
  const allowed = stackFile('lent', [{ name: 'lent-1', host: host.name, network: { name: 'host' } }]);
  expect((await world.finish(await world.deploy(allowed))).status).toBe('SUCCEEDED');
  expect(await world.ask(`{ agent(name: "${host.name}") { policy } }`)).toMatchObject({
    agent: { policy: { allowHostNamespaces: ['network'], allowBindMounts: [] } },
  });
  const volumeMounts = [{ source: '/etc', target: '/host', type: 'bind' }];
  const denied = stackFile('lent', [{ name: 'lent-1', host: host.name, network: { name: 'host' }, volumeMounts }]);
  expect(await world.finish(await world.deploy(denied))).toMatchObject({
    status: 'ROLLED_BACK',
    cause: { code: 'POLICY_DENIED' },
  });
  expect((await world.containers(host.name, 'lent')).map(({ State }) => State.Running)).toEqual([true]);
  expect((await world.finish(await world.operate('deleteStack', 'lent'))).status).toBe('SUCCEEDED');
});

/** Goes with the agent that is in there. */
const agentFolder = () => join(world.agent('vm1').credentialPath, '..');
