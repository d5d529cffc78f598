import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { toArguments, useSeed } from '../../support/seed.ts';

/** What would be done, before it is done. */
const seed = useSeed();

type Plan = {
  kind: string;
  revision: number;
  isNewRevision: boolean;
  items: { agent: string; containerName: string; action: string; reason: string; differences: object[] }[];
  images: { agent: string; image: string }[];
  downtime: { service: string; expected: boolean; reason: string }[];
  downtimeExpected: boolean;
  changes: number;
  taskCount: number;
  warnings: { code: string; message: string }[];
  planHash: string;
};
const FIELDS = `{ stack kind revision isNewRevision items { agent containerName service replica action reason
  differences { field old new } } images { agent image } downtime { service expected reason } downtimeExpected
  changes taskCount warnings { code message path line column } planHash }`;
const toQuery = (input: object) => `{ planStack(input: { ${toArguments(input)} }) ${FIELDS} }`;
const planOf = async (input: object) => (await seed.ask<{ planStack: Plan }>(toQuery(input))).planStack;
const deployPlan = (source: string, more: object = {}) => planOf({ deploy: { source: { compose: source }, ...more } });
const actionsOf = ({ items }: Plan) => Object.fromEntries(items.map((item) => [item.containerName, item.action]));
/** Everything that a user or an agent could notice. */
async function snapshot() {
  const tables = [
    'stacks',
    'stack_revisions',
    'placements',
    'deployments',
    'tasks',
    'task_blockers',
    'task_events',
    'audit_log',
  ];
  const rows = tables.map((name) => seed.sql`select t::text as row from ${seed.sql(name)} t order by 1`);
  return (await Promise.all(rows)).map((found) => found.map(({ row }) => row));
}

let count = 0;
/** Five containers on one host, up at revision 1. */
async function story() {
  const name = `plan${++count}`;
  const host = await seed.host(name);
  const services = {
    web: service(name, { environment: { LEVEL: 'info', DB_PASSWORD: 'old-secret', URL: 'http://me:hunter2@db/' } }),
    api: service(name),
    job: service(name, { restart: 'no' }),
    old: service(name),
    db: service(name),
  };
  const file = (change: Record<string, object> = {}) => {
    const { old: _old, ...rest } = services;
    return composeFile(name, { ...rest, ...change } as typeof services);
  };
  await seed.compose(composeFile(name, services));
  await host.work();
  const container = (of: string) => `${name}-${of}-1`;
  return { name, host, services, file, container };
}

describe('planStack', () => {
  test('says what becomes of each container, and changes nothing', async () => {
    const { name, host, services, file, container } = await story();
    await host.change(container('api'), null);
    await host.change(container('db'), { state: 'EXITED', exitCode: 1 });
    await host.change(container('job'), { state: 'EXITED', exitCode: 0 });
    const environment = { LEVEL: 'debug', DB_PASSWORD: 'new-secret', URL: 'http://me:other@db/', EXTRA: '1' };
    const source = file({ web: { ...services.web, image: 'app:2', environment } });
    const before = await snapshot();
    const plan = await deployPlan(source);
    expect(await snapshot()).toEqual(before);
    expect(plan).toMatchObject({ stack: name, kind: 'DEPLOY', revision: 2, isNewRevision: true, changes: 4 });
    expect(actionsOf(plan)).toEqual({
      [container('web')]: 'REPLACE',
      [container('api')]: 'CREATE',
      [container('db')]: 'START',
      [container('job')]: 'NOOP',
      [container('old')]: 'REMOVE',
    });
    const web = plan.items.find(({ containerName }) => containerName === container('web'));
    expect(web).toMatchObject({ agent: name, service: 'web', replica: 1, reason: 'its spec changed' });
    expect(web?.differences).toEqual(
      expect.arrayContaining([
        { field: 'image', old: 'nginx:alpine', new: 'app:2' },
        { field: 'environment.LEVEL', old: 'info', new: 'debug' },
        { field: 'environment.EXTRA', old: null, new: '1' },
        { field: 'environment.DB_PASSWORD', old: '(not shown)', new: '(not shown)' },
      ]),
    );
    expect(JSON.stringify(plan)).not.toMatch(/old-secret|new-secret|hunter2|other@/);
    // The image of the others is on the host: a container there uses it.
    expect(plan.images).toEqual([{ agent: name, image: 'app:2' }]);
    expect(plan.downtimeExpected).toBe(true);
    expect(plan.downtime.find((one) => one.service === 'web')).toMatchObject({ expected: true });
    expect(plan.downtime.find((one) => one.service === 'job')).toBeUndefined();
    expect(plan.warnings).toEqual([]);
    // One pull and four that change something, and none for what is unchanged.
    expect(plan.taskCount).toBe(5);
  });

  test('of an unchanged file is empty', async () => {
    const { name, services } = await story();
    const plan = await deployPlan(composeFile(name, services));
    expect(plan).toMatchObject({
      revision: 1,
      isNewRevision: false,
      changes: 0,
      taskCount: 0,
      downtimeExpected: false,
    });
    expect(new Set(plan.items.map(({ action }) => action))).toEqual(new Set(['NOOP']));
  });

  test('of a stack that is not there creates all; a refused file is refused alike', async () => {
    const { host } = await story();
    const plan = await deployPlan(composeFile('never', { web: service(host.agent.name) }));
    expect(plan).toMatchObject({ revision: 1, isNewRevision: true, items: [{ action: 'CREATE', differences: [] }] });
    const { errors } = await seed.try(toQuery({ deploy: { source: { compose: 'services: 1' } } }));
    expect(errors?.[0]?.extensions.code).toBe('STACK_INVALID');
    expect((await seed.try(toQuery({ stop: 'never' }))).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  test('warns of hosts that are offline, and of what the file is worth a look for', async () => {
    const { name, host, file } = await story();
    await seed.expire(host.agent);
    const source = JSON.stringify({ version: '3', ...JSON.parse(file()) });
    const { warnings } = await deployPlan(source);
    expect(warnings.map(({ code }) => code)).toEqual(['DEPRECATED_FIELD', 'AGENT_OFFLINE']);
    expect(warnings[1]?.message).toContain(name);
  });

  test.each([
    ['stop', (name: string) => ({ stop: name }), 'STOP', 'STOP'],
    ['start', (name: string) => ({ start: name }), 'START', 'NOOP'],
    ['restart', (name: string) => ({ restart: { name } }), 'RESTART', 'RESTART'],
    ['restart of one', (name: string) => ({ restart: { name, services: ['web'] } }), 'RESTART', 'RESTART'],
    ['delete', (name: string) => ({ delete: { name } }), 'DELETE', 'REMOVE'],
    ['scale', (name: string) => ({ scale: { name, service: 'web', replicas: 0 } }), 'DEPLOY', 'REMOVE'],
    ['rollback', (name: string) => ({ rollback: { name, toRevision: 1 } }), 'ROLLBACK', 'NOOP'],
    ['repair', (name: string) => ({ repair: name }), 'REPAIR', 'NOOP'],
  ])('plans %s too, without a trace', async (_what, input, kind, action) => {
    const { name, container } = await story();
    const before = await snapshot();
    const plan = await planOf(input(name));
    expect(await snapshot()).toEqual(before);
    expect(plan.kind).toBe(kind);
    expect(actionsOf(plan)[container('web')]).toBe(action);
  });

  test('does not show the difference to a container that this database knows nothing of', async () => {
    const { host, services, name, container } = await story();
    await host.change(container('web'), { specHash: 'f'.repeat(64) });
    const { items } = await deployPlan(composeFile(name, services));
    const { differences, action } = items.find(({ containerName }) => containerName === container('web')) ?? {};
    expect(action).toBe('REPLACE');
    expect(differences).toMatchObject([{ field: 'spec', old: expect.stringMatching(/^ffffffffffff of revision 1/) }]);
  });

  test('is for operators', async () => {
    const { name } = await story();
    const viewer = await seed.token('VIEWER');
    const { errors } = await seed.try(toQuery({ stop: name }), {}, viewer.secret);
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});

describe('planHash', () => {
  const deploy = (source: string, planHash: string) => ({ source: { compose: source }, planHash });

  test('lets through what was agreed to, also with the same key again', async () => {
    const { host, services, file } = await story();
    const source = file({ web: { ...services.web, image: 'app:2' } });
    const { planHash, taskCount } = await deployPlan(source);
    const args = { ...deploy(source, planHash), idempotencyKey: `${host.agent.name}-agreed` };
    const { id } = await seed.run('deployStack', args);
    expect((await seed.deployment(id)).tasks).toHaveLength(taskCount);
    await host.work();
    expect((await seed.run('deployStack', args)).id).toBe(id);
  });

  test.each<[string, (story: Awaited<ReturnType<typeof launchStory>>) => Promise<unknown>]>([
    ['a container is gone', ({ host, container }) => host.change(container('api'), null)],
    ['a container stopped', ({ host, container }) => host.change(container('db'), { state: 'EXITED', exitCode: 1 })],
    ['a container is another one', ({ host, container }) => host.change(container('db'), { specHash: 'x' })],
    ['a container appeared', ({ host, name }) => host.add({ name: `${name}-new-1`, stack: name })],
    ['another file was deployed', ({ file }) => seed.compose(file({}))],
    ['the agent was replaced by another of its name', ({ name }) => replaceAgent(name)],
  ])('refuses when %s, and nothing changed', async (_what, happen) => {
    const story = await launchStory();
    await happen(story);
    const before = await snapshot();
    const { code, details } = await seed.refused('deployStack', deploy(story.source, story.planHash));
    expect(await snapshot()).toEqual(before);
    expect(code).toBe('PLAN_CHANGED');
    expect(details.planHash).toBe((await deployPlan(story.source)).planHash);
    await seed.run('deployStack', deploy(story.source, String(details.planHash)));
  });

  test('refuses when the agent is gone, and nothing changed', async () => {
    const { name, source, planHash } = await launchStory();
    await removeAgent(name);
    const before = await snapshot();
    expect((await seed.refused('deployStack', deploy(source, planHash))).code).toBe('NO_AGENT_FITS');
    expect(await snapshot()).toEqual(before);
  });

  test('refuses another file than the one that was planned, and goes with other mutations', async () => {
    const { source, planHash, services, file, name } = await launchStory();
    const other = file({ web: { ...services.web, image: 'app:3' } });
    expect((await seed.refused('deployStack', deploy(other, planHash))).code).toBe('PLAN_CHANGED');
    expect((await seed.refused('stopStack', { name, planHash })).code).toBe('PLAN_CHANGED');
    const { planHash: stop } = await planOf({ stop: name });
    expect((await seed.run('stopStack', { name, planHash: stop })).status).toBe('RUNNING');
    expect(source).not.toBe(other);
  });

  async function launchStory() {
    const one = await story();
    const source = one.file({ web: { ...one.services.web, image: 'app:2' } });
    return { ...one, source, planHash: (await deployPlan(source)).planHash };
  }
  const removeAgent = (name: string) =>
    seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: name });
  const replaceAgent = async (name: string) => {
    await removeAgent(name);
    await seed.host(name);
  };
});
