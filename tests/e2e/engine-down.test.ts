import { afterAll, expect, test } from 'vitest';
import { startAgent, until } from '../support/agents.ts';
import { freezeDockerd, restartDockerd } from '../support/dockerd.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const thaws: (() => void)[] = [];
afterAll(() => {
  for (const thaw of thaws) thaw();
});

type Host = { state: string; engineProblem: string | null; engineDownSince: string | null; engine: object | null };
const seen = async (name: string): Promise<Host> =>
  (
    await world.ask<{ agent: Host }>(
      `{ agent(name: "${name}") { state engineProblem engineDownSince engine { version } } }`,
    )
  ).agent;
const becomes = (name: string, state: string) =>
  until(
    () => seen(name),
    (agent) => agent.state === state,
    { what: `${name} ${state}`, timeoutMs: 45_000 },
  );
const stateOf = async (stack: string) =>
  (await world.ask<{ stack: { state: string } }>(`{ stack(name: "${stack}") { state } }`)).stack.state;

test('an engine that hangs is said to be down, nothing is done there meanwhile, and all goes on after', async () => {
  const host = world.host('vm1');
  const file = (name: string) => stackFile(name, [{ name: `${name}-1`, host: host.name }]);
  await world.succeed(await world.deploy(file('before')));
  expect(await stateOf('before')).toBe('RUNNING');
  const thaw = freezeDockerd(host);
  thaws.push(thaw);
  expect(await becomes('vm1', 'ENGINE_DOWN')).toMatchObject({
    engineProblem: expect.stringContaining('no answer within'),
    engineDownSince: expect.any(String),
    engine: { version: expect.any(String) },
  });
  expect(await stateOf('before')).toBe('UNKNOWN');
  const id = await world.deploy(file('meanwhile'));
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  for (const { status, attempt, waitingOn } of (await world.deployment(id)).tasks) {
    expect({ status, attempt }).toEqual({ status: 'PENDING', attempt: 0 });
    expect(waitingOn).toContainEqual(expect.objectContaining({ reason: 'ENGINE_DOWN', agent: 'vm1' }));
  }
  thaw();
  await becomes('vm1', 'ONLINE');
  expect((await world.finish(id)).status).toBe('SUCCEEDED');
  await until(
    () => stateOf('before'),
    (state) => state === 'RUNNING',
    { what: 'the stack seen again' },
  );
  await Promise.all(['before', 'meanwhile'].map((stack) => world.remove(stack)));
});

test('an agent that starts before its engine is there says so', async () => {
  const host = world.host('vm2');
  await world.agent('vm2').remove();
  const back = restartDockerd(host, 'SIGTERM', 12_000);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  world.agents.set('vm2', await startAgent(world.server, host));
  expect(await becomes('vm2', 'ENGINE_DOWN')).toMatchObject({ engineProblem: expect.stringMatching(/connect|socket/) });
  await back;
  expect(await becomes('vm2', 'ONLINE')).toMatchObject({ engineProblem: null, engineDownSince: null });
});
