import { expect, test } from 'vitest';
import { dump } from '../../support/dump.ts';
import type { FakeAgent, Task } from '../../support/fake-agent.ts';
import { useSeed } from '../../support/seed.ts';

/** A secret is in the database sealed and opens only for the agent that starts its task. */
const seed = useSeed();

const fileOf = (name: string, secret: string) => `
name: ${name}
services:
  web:
    image: nginx:alpine
    secrets: [password]
  plain:
    image: nginx:alpine
secrets:
  password:
    content: ${secret}
`;
let count = 0;
/** An agent of its own with a stack of its own, whose containers can be started. */
async function story(secret: string): Promise<{ agent: FakeAgent; name: string; id: string; tasks: Task[] }> {
  const name = `sealed${++count}`;
  const agent = await seed.agent(name);
  const { id } = await deploy(name, secret);
  const [pull] = await agent.start((await agent.pending()).map((task) => task.id));
  await agent.finish(pull as Task);
  return { agent, name, id, tasks: await agent.pending() };
}
const deploy = async (name: string, secret: string) => {
  const query = 'mutation($source: String!) { deployStack(source: { compose: $source }) { id } }';
  const source = fileOf(name, secret).replaceAll(
    'image:',
    `deploy: {placement: {constraints: [node.hostname == ${name}]}}
    image:`,
  );
  return (await seed.ask<{ deployStack: { id: string } }>(query, { source })).deployStack;
};
const contentOf = (tasks: readonly Task[]) =>
  tasks.flatMap(({ spec }) => {
    const { files = [] } = spec.container as { files?: { content: string }[] };
    return files.map((file) => file.content);
  });
test('it is opened for who starts the task, and nowhere else', async () => {
  const { agent, tasks } = await story('hidden-value');
  expect(tasks.map((task) => task.kind)).toEqual(['DEPLOY', 'DEPLOY']);
  expect(contentOf(tasks)).toEqual([expect.stringMatching(/^gs1:/)]);
  const text = await dump(seed.sql);
  expect(text).toContain('gs1:');
  expect(text).not.toContain('hidden-value');
  expect(contentOf(await agent.start(tasks.map((task) => task.id)))).toEqual(['hidden-value']);
  expect(await dump(seed.sql)).not.toContain('hidden-value');
});

test('the same file again is the same revision, another secret is a new one', async () => {
  const { name } = await story('one');
  const revision = async () => (await seed.sql`select revision from stacks where name = ${name}`)[0]?.revision;
  await deploy(name, 'one');
  expect(await revision()).toBe(1);
  await deploy(name, 'two');
  expect(await revision()).toBe(2);
});

test('a task whose secret does not open fails and says so; the others of the same call start', async () => {
  const { agent, id, tasks } = await story('lost');
  const { id: taskId } = tasks.find((task) => task.containerName?.includes('web')) as Task;
  await seed.sql`update tasks set spec = jsonb_set(spec, '{container,sealed}', '"gs1:broken"') where id = ${taskId}`;
  const started = await agent.start(tasks.map((task) => task.id));
  expect(started.map((task) => task.containerName)).toEqual([expect.stringContaining('plain')]);
  await agent.finish(started[0] as Task);
  const deployment = await seed.deployment(id);
  const failed = deployment.tasks.find((task) => task.containerName?.includes('web'));
  expect(failed).toMatchObject({ status: 'FAILED', attempt: 1, error: { code: 'SECRET_KEY_MISMATCH' } });
  expect(deployment).toMatchObject({
    status: 'FAILED',
    cause: {
      code: 'SECRET_KEY_MISMATCH',
      message: expect.stringMatching(/^The container "sealed\d+-web-1" cannot be opened/),
    },
  });
});
