import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { Task } from '../../support/fake-agent.ts';
import { useSeed } from '../../support/seed.ts';
import { imagesOf, startTwoHosts } from '../../support/two-hosts.ts';

/** In which order the tasks of a deployment are given out. */
const seed = useSeed();

let count = 0;
const story = () => startTwoHosts(seed, `roll${++count}`);
const report = (task: Task | undefined, phase: string, sequence = 1) => ({
  taskId: task?.id ?? '',
  attempt: task?.attempt ?? 0,
  sequence,
  status: 'RUNNING',
  phase,
});
const waitingOf = async (id: string, containerName: string) =>
  (await seed.deployment(id)).tasks.find((task) => task.containerName === containerName)?.waitingOn;
const statuses = async (id: string) =>
  Object.fromEntries(
    (await seed.deployment(id)).tasks.map((task) => [`${task.kind} ${task.containerName ?? task.agent}`, task.status]),
  );

describe('images come first', () => {
  test('on every host that takes part, before any container is touched; what waits says for which', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const { id } = await seed.compose(file('app:2'));
    expect((await h1.agent.pending()).map(({ kind }) => kind)).toEqual(['PULL']);
    expect(await h1.work()).toEqual(['PULL']);
    expect(await h1.agent.pending()).toEqual([]);
    expect(await waitingOf(id, names.a)).toMatchObject([{ reason: 'IMAGE_GATE', agent: h2.agent.name }]);
    expect(await h2.work()).toEqual(['PULL', `DEPLOY ${names.b}`]);
    expect(await h1.work()).toEqual([`DEPLOY ${names.a}`]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('a host that is offline holds up nobody but itself: its own come first when it returns', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    await seed.expire(h2.agent);
    const { id } = await seed.compose(file('app:2'));
    expect(await h1.work()).toEqual(['PULL', `DEPLOY ${names.a}`]);
    await h2.agent.open();
    expect((await h2.agent.pending()).map(({ kind }) => kind)).toEqual(['PULL']);
    expect(await waitingOf(id, names.b)).toMatchObject([
      { agent: h2.agent.name, message: expect.stringContaining('app:2') },
    ]);
    expect(await h2.work()).toEqual(['PULL', `DEPLOY ${names.b}`]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('one that goes offline in the middle is passed by', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    const { id } = await seed.compose(file('app:2'));
    await h1.work();
    await h2.start();
    await seed.expire(h2.agent);
    await seed.sweep();
    expect(await h1.work()).toEqual([`DEPLOY ${names.a}`]);
    await h2.agent.open();
    expect(await h2.work()).toEqual(['PULL', `DEPLOY ${names.b}`]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('one that cannot be had anywhere cancels everything, and nothing was touched', async () => {
    const { hosts, file } = await story();
    const { id } = await seed.compose(file('broken:1'), { onFailure: 'KEEP' });
    const [pull] = await hosts[0].start();
    await hosts[0].fail(pull, { code: 'IMAGE_NOT_FOUND', message: 'no such image' });
    expect(await hosts[1].work()).toEqual(['PULL']);
    const { status, cause, tasks } = await seed.deployment(id);
    expect({ status, code: cause?.code }).toEqual({ status: 'FAILED', code: 'IMAGE_NOT_FOUND' });
    expect(tasks.filter(({ kind }) => kind === 'DEPLOY').map((task) => [task.status, task.attempt])).toEqual([
      ['CANCELLED', 0],
      ['CANCELLED', 0],
    ]);
    expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
  });

  test('one that a host which was offline cannot have ends what is to be done there, and only that', async () => {
    const { hosts, file, names } = await story();
    const [h1, h2] = hosts;
    await seed.expire(h2.agent);
    const { id } = await seed.compose(file('app:2'), { onFailure: 'KEEP' });
    await h1.work();
    await h2.agent.open();
    expect(await h2.work({ PULL: { code: 'IMAGE_NOT_FOUND', message: 'not here' } })).toEqual(['PULL']);
    expect(await statuses(id)).toMatchObject({
      [`DEPLOY ${names.a}`]: 'COMPLETED',
      [`DEPLOY ${names.b}`]: 'CANCELLED',
    });
    expect(imagesOf(hosts)).toEqual(['app:2', 'app:1']);
  });
});

describe('depends_on', () => {
  /** b on one host depends on a on the other; the images are there. */
  async function pair(dependency: object, options: Record<string, unknown> = {}) {
    const name = `dep${++count}`;
    const hosts = [await seed.host(`${name}-h1`), await seed.host(`${name}-h2`)] as const;
    const [h1, h2] = hosts;
    const b = service(h2.agent.name, { depends_on: { a: { condition: 'service_started', ...dependency } } });
    const { id } = await seed.compose(composeFile(name, { a: service(h1.agent.name), b }), options);
    for (const host of hosts) for (const pull of await host.start()) await host.complete(pull);
    const [a] = await h1.start();
    return { name, id, h1, h2, a, names: { a: `${name}-a-1`, b: `${name}-b-1` } };
  }

  test('service_started: goes on once the process runs, while it is still being looked at', async () => {
    const { id, h1, h2, a, names } = await pair({});
    const wire = await h2.agent.connect();
    const stream = h2.agent.stream(wire);
    expect((await stream.next())?.data?.pendingTasks).toEqual([]);
    expect(await waitingOf(id, names.b)).toMatchObject([{ reason: 'BLOCKED', taskId: a?.id }]);
    await h1.agent.report([report(a, 'STARTING', 1)]);
    expect(await h2.agent.pending()).toEqual([]);
    await h1.agent.report([report(a, 'VERIFYING', 2)]);
    expect((await stream.next())?.data?.pendingTasks).toMatchObject([{ containerName: names.b }]);
    expect(await h2.work()).toEqual([`DEPLOY ${names.b}`]);
    await h1.complete(a);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('service_started: a sweep lets go on what a server that died in between did not', async () => {
    const { h2, a, names, h1 } = await pair({});
    await seed.sql`update tasks set phase = 'VERIFYING' where id = ${a?.id ?? ''}`;
    expect(await h2.agent.pending()).toEqual([]);
    await seed.sweep();
    expect(await h2.agent.pending()).toMatchObject([{ containerName: names.b }]);
    await seed.sweep();
    // Its end counts only once.
    await h1.complete(a);
    expect(await h2.work()).toEqual([`DEPLOY ${names.b}`]);
  });

  test('service_started: what the agent says only with the result counts too', async () => {
    const { h1, h2, a, names } = await pair({});
    await h1.complete(a, { phase: 'VERIFYING' });
    expect(await h2.work()).toEqual([`DEPLOY ${names.b}`]);
  });

  test.each(['service_healthy', 'service_completed_successfully'])('%s: waits for the end', async (condition) => {
    const { h1, h2, a, names } = await pair({ condition });
    await h1.agent.report([report(a, 'VERIFYING')]);
    await seed.sweep();
    expect(await h2.agent.pending()).toEqual([]);
    await h1.complete(a);
    expect(await h2.work()).toEqual([`DEPLOY ${names.b}`]);
  });

  test('required: false goes on although it failed; true, and what waits for that in turn, is cancelled', async () => {
    const optional = await pair({ condition: 'service_healthy', required: false });
    await optional.h1.fail(optional.a);
    expect(await optional.h2.work()).toEqual([`DEPLOY ${optional.names.b}`]);
    expect((await seed.deployment(optional.id)).status).toBe('FAILED');
    const needed = await pair({ condition: 'service_healthy' });
    await needed.h1.fail(needed.a);
    expect(await needed.h2.work()).toEqual([]);
    expect(await statuses(needed.id)).toMatchObject({ [`DEPLOY ${needed.names.b}`]: 'CANCELLED' });
  });

  test('required: false goes on as well when what it would have liked is cancelled', async () => {
    const name = `like${++count}`;
    const host = await seed.host(name);
    const file = composeFile(name, {
      a: service(name),
      b: service(name, { depends_on: { a: { condition: 'service_healthy' } } }),
      c: service(name, { depends_on: { b: { condition: 'service_healthy', required: false } } }),
    });
    await seed.compose(file);
    const ran = await host.work({ [`${name}-a-1`]: { code: 'UNHEALTHY', message: 'bad' } });
    expect(ran).toEqual(['PULL', `DEPLOY ${name}-a-1`, `DEPLOY ${name}-c-1`]);
  });
});

describe('update_config', () => {
  async function group(name: string, update_config: object) {
    const host = await seed.host(name);
    const file = (image: string) => {
      const { deploy } = service(name);
      return composeFile(name, { web: service(name, { image, deploy: { ...deploy, replicas: 3, update_config } }) });
    };
    await seed.compose(file('app:1'));
    await host.work();
    return { host, file, web: (n: number) => `${name}-web-${n}` };
  }

  test('one group after the other with a pause between, which it says', async () => {
    const { host, file, web } = await group(`group${++count}`, { parallelism: 1, delay: '30s' });
    const { id } = await seed.compose(file('app:2'));
    expect(await host.work()).toEqual(['PULL', `DEPLOY ${web(1)}`]);
    expect(await host.agent.pending()).toEqual([]);
    expect(await waitingOf(id, web(2))).toMatchObject([{ reason: 'DELAY' }]);
    expect(await waitingOf(id, web(3))).toMatchObject([{ reason: 'BLOCKED' }]);
    const [row] = await seed.sql`select extract(epoch from not_before - now())::float8 as left from tasks
      where deployment_id = ${id} and container_name = ${web(2)}`;
    expect(row?.left).toBeGreaterThan(20);
    expect(row?.left).toBeLessThanOrEqual(30);
    await seed.sql`update tasks set not_before = now() where deployment_id = ${id} and container_name = ${web(2)}`;
    expect(await host.work()).toEqual([`DEPLOY ${web(2)}`]);
    await seed.sql`update tasks set not_before = now() where deployment_id = ${id} and container_name = ${web(3)}`;
    expect(await host.work()).toEqual([`DEPLOY ${web(3)}`]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('start-first and monitor reach the agent; a failed group ends the next', async () => {
    const { host, file, web } = await group(`first${++count}`, { order: 'start-first', monitor: '3s', parallelism: 2 });
    const { id } = await seed.compose(file('app:2'), { onFailure: 'KEEP' });
    for (const pull of await host.start()) await host.complete(pull);
    const tasks = await host.start();
    expect(tasks.map((task) => task.containerName)).toEqual([web(1), web(2)]);
    expect(tasks[0]?.spec).toMatchObject({ order: 'start-first', monitorMs: 3000 });
    await host.complete(tasks[0]);
    await host.fail(tasks[1]);
    expect(await host.work()).toEqual([]);
    expect((await seed.deployment(id)).status).toBe('FAILED');
    expect(host.get(web(3)).image).toBe('app:1');
  });
});

describe('what is as it should be', () => {
  test('is not touched by a second deployment of the same file, which succeeds at once', async () => {
    const { hosts, file, names, name } = await story();
    const before = hosts[0].get(names.a);
    const again = await seed.compose(file('app:1'));
    expect(again.status).toBe('SUCCEEDED');
    expect((await seed.deployment(again.id)).tasks).toEqual([]);
    expect(hosts[0].get(names.a)).toBe(before);
    const { stack } = await seed.ask<{ stack: { revision: number } }>(
      'query($n: String!) { stack(name: $n) { revision } }',
      {
        n: name,
      },
    );
    expect(stack.revision).toBe(1);
  });

  test('is not touched by a change of another service, but for those that ask to be restarted with it', async () => {
    const name = `only${++count}`;
    const host = await seed.host(name);
    const depends = (restart: boolean) => ({ depends_on: { db: { condition: 'service_started', restart } } });
    const file = (image: string) =>
      composeFile(name, {
        db: service(name, { image }),
        api: service(name, depends(true)),
        web: service(name, depends(false)),
        top: service(name, { depends_on: { api: { condition: 'service_started', restart: true } } }),
      });
    await seed.compose(file('db:1'));
    await host.work();
    const web = host.get(`${name}-web-1`);
    const { id } = await seed.compose(file('db:2'));
    const ran = await host.work();
    expect(ran).toEqual(['PULL', `DEPLOY ${name}-db-1`, `RESTART ${name}-api-1`, `RESTART ${name}-top-1`]);
    expect(host.get(`${name}-web-1`)).toEqual(web);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('a service that left the file goes last, when the rest is good', async () => {
    const name = `left${++count}`;
    const host = await seed.host(name);
    await seed.compose(composeFile(name, { old: service(name), web: service(name) }));
    await host.work();
    await seed.compose(composeFile(name, { web: service(name, { image: 'app:2' }) }));
    expect(await host.work()).toEqual(['PULL', `DEPLOY ${name}-web-1`, `DELETE ${name}-old-1`]);
    expect(host.names()).toEqual([`${name}-web-1`]);
  });
});
