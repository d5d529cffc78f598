import { describe, expect, test } from 'vitest';
import { usePlans } from '../../support/plan-story.ts';
import { toArguments, useSeed } from '../../support/seed.ts';

/** What was planned is what is done, under the options that were planned with. */
const seed = useSeed();
const { planOf, deployPlan, snapshot, story } = usePlans(seed);

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
