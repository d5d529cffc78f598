import { describe, expect, test } from 'vitest';
import { plan } from '../../../server/planning/plan.ts';
import { fromSaved } from '../../../server/planning/saved-input.ts';
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
const toQuery = (input: object) => `{ planStack(operation: { ${toArguments(input)} }) ${FIELDS} }`;
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

test('the input of a plan can be saved, and the same is planned from it without a server', async () => {
  const host = await seed.host('saved');
  const source = composeFile('saved', {
    web: service('saved', { environment: { LEVEL: 'debug' } }),
    db: service('saved'),
  });
  const ask = (secret?: string) =>
    seed.try<{ planStack: { input: unknown; taskCount: number; items: { containerName: string; action: string }[] } }>(
      'query($c: String!) { planStack(operation: { deploy: { source: { compose: $c } } }) { input taskCount items { containerName action } } }',
      { c: source },
      secret,
    );
  const { data } = await ask();
  const { changes, tasks } = plan(fromSaved(JSON.parse(JSON.stringify(data))));
  expect(tasks).toHaveLength(data?.planStack.taskCount ?? 0);
  expect(changes.map(({ containerName, action }) => ({ containerName, action }))).toEqual(data?.planStack.items);
  expect(tasks.every(({ agentId }) => agentId === host.agent.id)).toBe(true);
  const viewer = await seed.token('VIEWER');
  expect((await ask(viewer.secret)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

describe('options', () => {
  const planWith = (operation: object, options: object) =>
    seed.try<{ planStack: { onFailure: string; planHash: string } }>(
      `{ planStack(operation: { ${toArguments(operation)} }, options: { ${toArguments(options)} }) { onFailure planHash } }`,
    );
  const codeOf = async (operation: object, options: object) =>
    (await planWith(operation, options)).errors?.[0]?.extensions.code;

  test('a plan says what a failure would lead to: as asked, as the file says, or back', async () => {
    const { name, services, file } = await story();
    const pausing = { ...services.web, deploy: { ...services.web.deploy, update_config: { failure_action: 'pause' } } };
    const onFailure = async (operation: object, options = {}) =>
      (await planWith(operation, options)).data?.planStack.onFailure;
    const deploy = (source: string) => ({ deploy: { source: { compose: source } } });
    expect(await onFailure(deploy(file()))).toBe('ROLLBACK');
    expect(await onFailure(deploy(file()), { onFailure: 'KEEP' })).toBe('KEEP');
    expect(await onFailure(deploy(file({ web: pausing })))).toBe('KEEP');
    expect(await onFailure(deploy(file({ web: pausing })), { onFailure: 'ROLLBACK' })).toBe('ROLLBACK');
    expect(await onFailure({ scale: { name, service: 'db', replicas: 2 } })).toBe('ROLLBACK');
    expect(await onFailure({ restart: { name } })).toBe('KEEP');
    const { id } = await seed.compose(file({ web: pausing }));
    expect((await seed.deployment(id)).onFailure).toBe('KEEP');
  });

  test('do not change what is planned, and are checked as those of the mutation', async () => {
    const { name } = await story();
    const { planHash } = await planOf({ stop: name });
    expect((await planWith({ stop: name }, { priority: 7, maxRetries: 0 })).data?.planStack.planHash).toBe(planHash);
    for (const options of [{ priority: 101 }, { maxRetries: -1 }, { timeoutSeconds: 0 }, { onFailure: 'KEEP' }]) {
      expect(await codeOf({ stop: name }, options), JSON.stringify(options)).toBe('BAD_INPUT');
      const refused = await seed.refused('stopStack', { name, options });
      expect(refused.code, JSON.stringify(options)).toBe('BAD_INPUT');
    }
  });

  test('planHash and idempotencyKey belong to the mutation alone', async () => {
    const { name } = await story();
    expect(await codeOf({ stop: name }, { planHash: 'x' })).toBe('BAD_INPUT');
    expect(await codeOf({ stop: name }, { idempotencyKey: 'x' })).toBe('BAD_INPUT');
  });

  test.each(['stopStack', 'startStack', 'restartStack', 'repairStack', 'deleteStack'])(
    '%s takes no onFailure, which would mean nothing',
    async (field) => {
      const { name } = await story();
      const before = await snapshot();
      const { code, message } = await seed.refused(field, { name, options: { onFailure: 'ROLLBACK' } });
      expect({ code, message }).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('onFailure') });
      expect(await snapshot()).toEqual(before);
      await seed.run(field, { name, options: { onFailure: null, priority: 3, timeoutSeconds: 60 } });
    },
  );

  test.each<[string, object]>([
    ['scaleStack', { service: 'db', replicas: 2 }],
    ['rollbackStack', { toRevision: 1 }],
  ])('%s takes onFailure', async (field, more) => {
    const { name } = await story();
    const { id } = await seed.run(field, { name, ...more, options: { onFailure: 'KEEP' } });
    expect((await seed.deployment(id)).onFailure).toBe('KEEP');
  });
});

describe('planHash', () => {
  const deploy = (source: string, planHash: string) => ({ source: { compose: source }, options: { planHash } });

  test('lets through what was agreed to, also with the same key again', async () => {
    const { host, services, file } = await story();
    const source = file({ web: { ...services.web, image: 'app:2' } });
    const { planHash, taskCount } = await deployPlan(source);
    const options = { planHash, idempotencyKey: `${host.agent.name}-agreed` };
    const args = { source: { compose: source }, options };
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
    expect((await seed.refused('stopStack', { name, options: { planHash } })).code).toBe('PLAN_CHANGED');
    const { planHash: stop } = await planOf({ stop: name });
    expect((await seed.run('stopStack', { name, options: { planHash: stop } })).status).toBe('RUNNING');
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
