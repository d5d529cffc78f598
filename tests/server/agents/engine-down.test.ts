import { expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';
import { startTwoHosts } from '../../support/two-hosts.ts';

/** A host whose Docker engine does not answer: its agent is there and can see and do nothing. */
const seed = useSeed();

const SINCE = 'engineDownSince engineProblem engine { version } transport connectedAt offlineSince state';
const agentOf = async (name: string) =>
  (
    await seed.ask<{ agent: Record<string, unknown> }>(`query($n: String!) { agent(name: $n) { ${SINCE} } }`, {
      n: name,
    })
  ).agent;
const stackOf = async (name: string) =>
  (
    await seed.ask<{ stack: { state: string; drift: { kind: string; since: string | null }[] } }>(
      'query($n: String!) { stack(name: $n) { state drift { kind since } containers { unknownSince } } }',
      { n: name },
    )
  ).stack;

test('the host is known by it: in the state of the agent, of its stacks and containers, and in what waits', async () => {
  const { name, hosts } = await startTwoHosts(seed, 'mute');
  const [first] = hosts;
  expect(await stackOf(name)).toMatchObject({ state: 'RUNNING', drift: [] });
  await first.agent.reportEngine('no answer within 4 s');
  await first.agent.reportEngine('connect ENOENT /var/run/docker.sock');
  const agent = await agentOf(first.agent.name);
  expect(agent).toMatchObject({
    state: 'ENGINE_DOWN',
    engineProblem: 'connect ENOENT /var/run/docker.sock',
    engine: { version: '28.2.2' },
    transport: 'POLL',
    connectedAt: expect.any(String),
    offlineSince: null,
  });
  const since = agent.engineDownSince;
  expect(await stackOf(name)).toMatchObject({
    state: 'UNKNOWN',
    drift: [{ kind: 'UNKNOWN', since }],
    containers: expect.arrayContaining([{ unknownSince: since }, { unknownSince: null }]),
  });

  const source = stackFile('mute2', [container('mute2-a', first.agent.name)]);
  const { planStack } = await seed.ask<{ planStack: { warnings: { code: string; message: string }[] } }>(
    'query($s: StackSource!) { planStack(operation: { deploy: { source: $s } }) { warnings { code message } } }',
    { s: { jsonld: JSON.stringify(source) } },
  );
  expect(planStack.warnings).toContainEqual({
    code: 'ENGINE_DOWN',
    message: expect.stringContaining(`Docker engine of ${first.agent.name} does not answer`),
  });
  const { id } = await seed.deploy(source);
  const { deployment } = await seed.ask<{ deployment: { tasks: { waitingOn: object[] }[] } }>(
    'query($id: ID!) { deployment(id: $id) { tasks { waitingOn { reason agent since } } } }',
    { id },
  );
  const [task] = deployment.tasks;
  expect(task?.waitingOn).toContainEqual({ reason: 'ENGINE_DOWN', agent: first.agent.name, since });

  await first.agent.reportEngine(null);
  expect(await agentOf(first.agent.name)).toMatchObject({
    state: 'ONLINE',
    engineProblem: null,
    engineDownSince: null,
  });
  expect(await stackOf(name)).toMatchObject({ state: 'RUNNING', drift: [] });
});

test('a report says either what the engine is or what is wrong, for the live session only', async () => {
  const agent = await seed.agent('mute3');
  const codeOf = async (variables: Record<string, unknown>) =>
    (await agent.tryReportEngine(variables)).errors?.[0]?.extensions.code;
  expect(await codeOf({})).toBe('BAD_INPUT');
  expect(await codeOf({ problem: '' })).toBe('BAD_INPUT');
  expect(await codeOf({ problem: 'gone', epoch: 77 })).toBe('SESSION_LOST');
  expect((await agentOf('mute3')).state).toBe('ONLINE');
  await agent.reportEngine('x'.repeat(10_000));
  expect(await agentOf('mute3')).toMatchObject({ engineProblem: 'x'.repeat(500) });
  await agent.open();
  expect((await agentOf('mute3')).state).toBe('ONLINE');
});
