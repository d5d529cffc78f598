import { expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, type ComposeService, composeFile } from '../support/compose-file.ts';
import { type Deployment, useWorld } from '../support/world.ts';

/** What a failed revision moved, removed, renamed or took the port of is as it was before. */
const world = useWorld();

const sick = (): ComposeService => ({ healthcheck: { test: 'exit 1', interval: '200ms', retries: 2 } });

/** A service that answers with its text. */
const web = (host: string, text: string, port: number, more: ComposeService = {}) =>
  busy(host, {
    command: ['sh', '-c', "echo $$TEXT > /index.html; httpd -f -p 80 -h / & trap 'exit 0' TERM; wait"],
    environment: { TEXT: text },
    ports: [`${port}:80`],
    ...more,
  });

const pageOf = async (host: string, port: number) => {
  const url = `http://${world.host(host).address}:${port}/index.html`;
  return (await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text()).trim();
};

const deploy = (stack: string, services: Record<string, ComposeService>, more: object = {}) =>
  world.compose(composeFile(stack, services, more));

async function backFrom(id: string): Promise<Deployment> {
  const deployment = await world.finish(id);
  expect(deployment).toMatchObject({ status: 'ROLLED_BACK', cause: { code: 'HEALTH_CHECK_FAILED' } });
  expect(deployment.tasks.filter(({ rollback, status }) => rollback && status !== 'COMPLETED')).toEqual([]);
  return deployment;
}

test.concurrent('a service that moved to another host and is no good there never left its own', async () => {
  await world.succeed(await deploy('mover', { web: web('vm1', 'here', 8401) }));
  const before = await world.states('mover');
  await backFrom(await deploy('mover', { web: web('vm2', 'there', 8401, sick()) }));
  expect(await world.states('mover')).toEqual(before);
  expect(await pageOf('vm1', 8401)).toBe('here');
  await world.succeed(await deploy('mover', { web: web('vm2', 'there', 8401) }));
  expect((await world.states('mover')).map(({ host }) => host)).toEqual(['vm2']);
  await world.remove('mover');
});

test.concurrent('a service that left the file stays until the rest is good', async () => {
  const services = { web: busy('vm1'), extra: busy('vm2') };
  await world.succeed(await deploy('shrink', services));
  const [extra] = await world.states('shrink');
  await backFrom(await deploy('shrink', { web: busy('vm1', { environment: { A: 'b' }, ...sick() }) }));
  const [now] = await world.states('shrink');
  expect(now).toEqual(extra);
  await world.remove('shrink');
});

test.concurrent('another service takes the port: good, it answers; no good, the first answers again', async () => {
  await world.succeed(await deploy('heir', { first: web('vm1', 'first', 8402) }));
  await backFrom(await deploy('heir', { second: web('vm1', 'second', 8402, sick()) }));
  expect(await pageOf('vm1', 8402)).toBe('first');
  expect((await world.states('heir')).map(({ name }) => name)).toEqual(['heir-first-1']);
  await world.succeed(await deploy('heir', { second: web('vm1', 'second', 8402) }));
  expect(await pageOf('vm1', 8402)).toBe('second');
  expect((await world.states('heir')).map(({ name }) => name)).toEqual(['heir-second-1']);
  await world.remove('heir');
});

test.concurrent('two services swap their ports, and swap them back when one is no good', async () => {
  const [a, b] = [8403, 8404];
  await world.succeed(await deploy('swap', { one: web('vm1', 'one', a), two: web('vm1', 'two', b) }));
  await backFrom(await deploy('swap', { one: web('vm1', 'one', b), two: web('vm1', 'two', a, sick()) }));
  expect([await pageOf('vm1', a), await pageOf('vm1', b)]).toEqual(['one', 'two']);
  await world.succeed(await deploy('swap', { one: web('vm1', 'one', b), two: web('vm1', 'two', a) }));
  expect([await pageOf('vm1', a), await pageOf('vm1', b)]).toEqual(['two', 'one']);
  await world.remove('swap');
});

test.concurrent('a migration that fails: the application was not touched, and the last one is not run again', async () => {
  const file = (release: string, command: string) => ({
    migrate: busy('vm1', {
      command: ['sh', '-c', command],
      environment: { RELEASE: release },
      volumes: ['data:/data'],
    }),
    app: busy('vm1', {
      environment: { RELEASE: release },
      volumes: ['data:/data'],
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
    }),
  });
  const volumes = { volumes: { data: {} } };
  await world.succeed(await deploy('schema', file('1', 'echo 1 >> /data/runs'), volumes));
  const before = await world.states('schema');
  const failed = await world.finish(await deploy('schema', file('2', 'echo 2 >> /data/runs; exit 7'), volumes));
  expect(failed).toMatchObject({ status: 'ROLLED_BACK', cause: { code: 'CONTAINER_EXITED', exitCode: 7 } });
  expect(await world.states('schema')).toEqual(before);
  await world.succeed(await deploy('schema', file('3', 'cp /data/runs /data/seen'), volumes));
  const exec = await world
    .engine('vm1')
    .getContainer('schema-app-1')
    .exec({ Cmd: ['cat', '/data/seen'], AttachStdout: true, Tty: true });
  let seen = '';
  for await (const chunk of await exec.start({ Tty: true })) seen += chunk;
  expect(seen.split(/\s+/).filter(Boolean)).toEqual(['1', '2']);
  await world.remove('schema');
});

const goingBack = (id: string) =>
  until(
    () => world.sql`select 1 from tasks where deployment_id = ${id} and rollback and status = 'RUNNING'`,
    (rows) => rows.length > 0,
    { intervalMs: 10, what: 'the rollback' },
  );

/** Two hosts; the rollback of the first takes a while. */
const pair = (version: string, more: ComposeService = {}) => ({
  first: busy('vm1', {
    environment: { VERSION: version },
    command: ['sh', '-c', "trap 'exit 0' TERM; rm -f /ready; sleep 2; touch /ready; sleep 3600 & wait"],
    healthcheck: { test: 'test -e /ready', interval: '200ms', retries: 50 },
  }),
  second: busy('vm2', { environment: { VERSION: version }, depends_on: ['first'], ...more }),
});

test.concurrent('a newer file during a rollback wins', async () => {
  await world.succeed(await deploy('newer', pair('1')));
  const bad = await deploy('newer', pair('2', sick()));
  await goingBack(bad);
  await world.succeed(await deploy('newer', pair('3')));
  expect((await world.finish(bad)).status).toBe('SUPERSEDED');
  for (const [host, name] of [
    ['vm1', 'newer-first-1'],
    ['vm2', 'newer-second-1'],
  ] as const) {
    const { Config, State } = await world.engine(host).getContainer(name).inspect();
    expect([State.Running, Config.Env.includes('VERSION=3')]).toEqual([true, true]);
  }
  expect(await world.states('newer')).toHaveLength(2);
  await world.remove('newer');
});

test.concurrent('cancelled during a rollback: it says so, and the file can be deployed again', async () => {
  await world.succeed(await deploy('torn', pair('1')));
  const bad = await deploy('torn', pair('2', sick()));
  await goingBack(bad);
  await world.ask('mutation ($id: ID!) { cancelDeployment(id: $id) { id } }', { id: bad });
  const { status, cause } = await world.finish(bad);
  expect([status, cause?.code]).toEqual(['FAILED', 'HEALTH_CHECK_FAILED']);
  expect(cause?.message).toContain('it was cancelled on request');
  await world.succeed(await deploy('torn', pair('1')));
  const { Config } = await world.engine('vm1').getContainer('torn-first-1').inspect();
  expect(Config.Env).toContain('VERSION=1');
  await world.remove('torn');
});

test.concurrent('a network that is to be another is not quietly left as it is', async () => {
  const services = { web: busy('vm1', { networks: ['back'] }) };
  const network = (fields: object) => ({ networks: { back: fields } });
  await world.succeed(await deploy('netted', services, network({})));
  const before = await world.states('netted');
  const asked = deploy('netted', services, network({ internal: true }));
  await expect(asked).rejects.toThrow(/netted_back.*internal/);
  expect(await world.states('netted')).toEqual(before);
  // With another name it is another container.
  const renamed = { web: busy('vm1', { networks: ['inside'] }) };
  await world.succeed(await deploy('netted', renamed, { networks: { inside: { internal: true } } }));
  expect((await world.engine('vm1').getNetwork('netted_inside').inspect()).Internal).toBe(true);
  await world.remove('netted');
});
