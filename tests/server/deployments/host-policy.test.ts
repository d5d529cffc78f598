import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

const OPEN = 'mutation($input: SessionInput!) { openSession(input: $input) { epoch } }';
const PLAN = `query($c: String!) { planStack(operation: { deploy: { source: { compose: $c } } }) {
  warnings { code message path line } } }`;
type Plan = { planStack: { warnings: { code: string; message: string; path: string; line: number }[] } };

const open = (secret: string, policy: unknown, apiVersion = '1.48') =>
  seed.try(
    OPEN,
    {
      input: {
        instanceId: randomUUID(),
        version: '1',
        transport: 'POLL',
        engine: { version: '28', apiVersion, os: 'linux', arch: 'x86_64', cpus: 1, memoryBytes: 1 },
        running: [],
        policy,
      },
    },
    secret,
  );

const file = (host: string, more: object) => composeFile('asked', { web: service(host, { image: 'app:1', ...more }) });
const warningsOf = async (host: string, more: object, wanted = 'POLICY_DENIED') =>
  (await seed.ask<Plan>(PLAN, { c: file(host, more) })).planStack.warnings.filter(({ code }) => code === wanted);

test('a plan warns of what the host will refuse, with the line of the file and what its policy needs', async () => {
  const agent = await seed.agent('strict', { online: false });
  await open(agent.secret, { allowBindMounts: ['/srv/data'], allowCapabilities: [] });
  const more = {
    volumes: ['/srv/data/a:/a', '/srv/other:/b', '/srv/data2:/c'],
    cap_add: ['NET_ADMIN', 'CHOWN'],
    network_mode: 'host',
    privileged: true,
  };
  const [warning, ...others] = await warningsOf('strict', more);
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ path: 'services.web', line: expect.any(Number) });
  const [, example = ''] =
    /the host strict does not allow "web": its policy file needs (\{.*\})$/.exec(warning?.message ?? '') ?? [];
  expect(JSON.parse(example)).toEqual({
    allowPrivileged: true,
    allowHostNamespaces: ['network'],
    allowBindMounts: ['/srv/other', '/srv/data2'],
    allowCapabilities: ['NET_ADMIN'],
  });
  await open(agent.secret, {
    ...JSON.parse(example),
    allowBindMounts: ['/srv'],
  });
  expect(await warningsOf('strict', more)).toEqual([]);
});

test('an agent that does not say, or says nonsense, does no harm', async () => {
  const agent = await seed.agent('silent', { online: false });
  await open(agent.secret, null);
  expect(await warningsOf('silent', { volumes: ['/a:/b'] })).toEqual([]);
  await open(agent.secret, { allowBindMounts: 7, allowPrivileged: 'yes', allowDevices: [1, null] });
  expect(await warningsOf('silent', { volumes: ['/a:/b'] })).toHaveLength(1);
  for (const policy of [7, 'x', [], { x: 'y'.repeat(70_000) }]) {
    expect((await open(agent.secret, policy)).errors?.[0]?.extensions.code).toBe('BAD_INPUT');
  }
});

test.each([
  ['all but the port of SSH', { allowPorts: [] }, ['22']],
  ['those that are named', { allowPorts: [], ports: ['80', '8000-8999'] }, ['22', '9000']],
  ['and those besides', { allowPorts: ['22', '9000'], ports: ['80', '8000-8999'] }, []],
  ['all of them, where an agent looks at no ports', {}, []],
])('of ports, a host allows %s', async (what, policy, needed) => {
  const host = `ports-${what.length}`;
  const agent = await seed.agent(host, { online: false });
  await open(agent.secret, policy);
  const warnings = await warningsOf(host, { ports: ['22:22', '80:80', '8080:81', '9000:82', '83'] });
  expect(warnings).toHaveLength(needed.length === 0 ? 0 : 1);
  if (needed.length > 0)
    expect(warnings[0]?.message).toContain(`its policy file needs {"allowPorts":${JSON.stringify(needed)}}`);
});

test.each([
  [
    'priorities',
    { allowUlimits: [] },
    { ulimits: { rtprio: 9, nofile: 9 } },
    'its policy file needs {"allowUlimits":["rtprio"]}',
  ],
  [
    'mounts that go both ways',
    { allowBindMounts: ['/srv'], allowMountPropagation: [] },
    { volumes: [{ type: 'bind', source: '/srv', target: '/x', bind: { propagation: 'rshared' } }] },
    'its policy file needs {"allowMountPropagation":["rshared"]}',
  ],
  [
    'no limits',
    { requireLimits: ['memory', 'pids', 'cpus', 'logs', 'of-a-newer-agent', 'constructor'] },
    { mem_limit: '64m', cpus: 0.5 },
    'the stack file needs a limit: pids_limit, logging.options.max-size',
  ],
])('a plan warns of %s, where the agent says that it looks at them', async (what, policy, more, words) => {
  const host = `limits-${what.length}`;
  const agent = await seed.agent(host, { online: false });
  await open(agent.secret, policy);
  const [warning, ...others] = await warningsOf(host, more);
  expect(others).toEqual([]);
  expect(warning?.message).toBe(`the policy of the host ${host} does not allow "web": ${words}`);
  await open(agent.secret, { allowBindMounts: ['/srv'] });
  expect(await warningsOf(host, more)).toEqual([]);
});

test('a plan warns of a host that gets more containers than it allows, those of other stacks counted', async () => {
  const agent = await seed.agent('crowded', { online: false });
  await open(agent.secret, { maxContainers: 3 });
  const asked = (name: string, replicas: number) =>
    composeFile(name, {
      web: service('crowded', { deploy: { replicas, placement: { constraints: ['node.hostname==crowded'] } } }),
    });
  const plan = async (replicas: number) =>
    (await seed.ask<Plan>(PLAN, { c: asked('one', replicas) })).planStack.warnings.map(({ message }) => message);
  expect(await plan(3)).toEqual([]);
  const words = 'the policy of the host crowded allows 3 containers (maxContainers), and with this stack it has 4';
  expect(await plan(4)).toEqual([words]);
  await seed.sql`insert into containers 
    (agent_id, container_id, name, stack, service, replica, revision, spec_hash, image, state, health)
    values (${agent.id}, 'c1', 'other-web-1', 'other', 'web', 1, 1, 'x', 'app:1', 'RUNNING', 'NONE')`;
  expect(await plan(2)).toEqual([]);
  expect(await plan(3)).toEqual([words]);
});

test('a plan warns of what the engine of a host is too old for', async () => {
  const agent = await seed.agent('old', { online: false });
  const warnings = async (apiVersion: string) => {
    await open(agent.secret, {}, apiVersion);
    return warningsOf('old', { annotations: { 'com.example.a': 'b' } }, 'ENGINE_TOO_OLD');
  };
  expect(await warnings('1.41')).toMatchObject([
    {
      path: 'services.web',
      message: 'the Docker engine of old is too old for the annotations of "web": it has API 1.41, and 1.43 is needed',
    },
  ]);
  expect(await warnings('1.43')).toEqual([]);
});
