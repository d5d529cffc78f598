import { describe, expect, test } from 'vitest';
import { plan } from '../../../server/planning/plan.ts';
import { fromSaved } from '../../../server/planning/saved-input.ts';
import { composeFile, service } from '../../support/compose-file.ts';
import { actionsOf, toQuery, usePlans } from '../../support/plan-story.ts';
import { useSeed } from '../../support/seed.ts';

/** What would be done, before it is done. */
const seed = useSeed();
const { planOf, deployPlan, snapshot, story } = usePlans(seed);

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
