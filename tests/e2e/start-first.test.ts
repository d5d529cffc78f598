import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, composeFile } from '../support/compose-file.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Like any proxy, it tries the addresses of the alias one after the other, and once more if none takes the connection.
 * It is a CGI script, and the lab's busybox has no wget that resolves names.
 */
const PROXY = `#!/bin/sh
ask() {
  for address in $(nslookup -type=a backend 2>/dev/null | sed -n 's/^Address: //p'); do
    body=$(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 "$address" 80 2>/dev/null | tail -n 1)
    [ -z "$body" ] || return 0
  done
  return 1
}
ask || { sleep 0.1; ask; } || { sleep 0.2; ask; } || body=nobody
printf 'Content-Type: text/plain\\r\\n\\r\\n%s' "$body"
`;

/** Is ready a second after its start. When asked to stop, it takes no new connections but answers those it has. */
const backend = (version: string) =>
  `mkdir -p /www; echo ${version} > /www/index.html; sleep 1; httpd -f -p 80 -h /www & server=$!; touch /ready; ` +
  "trap 'kill $server; sleep 0.5; exit 0' TERM; wait $server";

/** Compose would interpolate a single `$`. */
const plain = (text: string) => text.replaceAll('$', '$$$$');

const file = (
  stack: string,
  version: string,
  port: number,
  more: { replicas?: number; ports?: string[]; healthcheck?: object } = {},
) =>
  composeFile(
    stack,
    {
      proxy: busy('vm1', {
        command: ['sh', '-c', "httpd -f -p 80 -h /www & trap 'exit 0' TERM; wait"],
        ports: [`${port}:80`],
        configs: [{ source: 'proxy', target: '/www/cgi-bin/get', mode: '0755' }],
      }),
      backend: {
        ...busy('vm1', {
          command: ['sh', '-c', plain(backend(version))],
          healthcheck: more.healthcheck ?? { test: 'test -e /ready', interval: '200ms', retries: 50 },
          networks: { default: { aliases: ['backend'] } },
          ...(more.ports && { ports: more.ports }),
        }),
        deploy: {
          replicas: more.replicas ?? 1,
          placement: { constraints: ['node.hostname==vm1'] },
          update_config: { parallelism: 1, order: 'start-first', monitor: '500ms' },
        },
      },
    },
    { configs: { proxy: { content: plain(PROXY) } } },
  );

type Load = {
  answers: Map<string, number>;
  failures: string[];
  /** Until as many answers more have come from that version. */
  hear(version: string, count: number): Promise<void>;
  stop(): Promise<number>;
};

/** Asks without pause, with a few requests at a time, until it is stopped. */
function startLoad(url: string, workers: number): Load {
  const load = { answers: new Map<string, number>(), failures: [] as string[] };
  let stopped = false;
  async function work() {
    while (!stopped) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) })
        .then((response) => response.text())
        .catch((error: unknown) => `failed: ${error}`);
      if (/^v\d$/.test(answer.trim())) load.answers.set(answer.trim(), (load.answers.get(answer.trim()) ?? 0) + 1);
      else load.failures.push(answer);
      await delay(10);
    }
  }
  const all = Array.from({ length: workers }, work);
  const heard = (version: string) => load.answers.get(version) ?? 0;
  return {
    ...load,
    async hear(version, count) {
      const enough = heard(version) + count;
      await until(
        async () => heard(version),
        (now) => now >= enough,
        { what: `${enough} answers of ${version}` },
      );
    },
    async stop() {
      stopped = true;
      await Promise.all(all);
      return [...load.answers.values()].reduce((sum, count) => sum + count, load.failures.length);
    },
  };
}

describe.each([
  ['one', 1, 8310],
  ['two', 2, 8320],
])('start-first with %s backend(s)', (name, replicas, port) => {
  test.concurrent('no request fails, and the answer changes', async () => {
    const stack = `swap-${name}`;
    await world.succeed(await world.compose(file(stack, 'v1', port, { replicas })));
    const url = `http://${world.host('vm1').address}:${port}/cgi-bin/get`;
    const load = startLoad(url, 3);
    await load.hear('v1', 50);
    const before = await world.states(stack);
    const id = await world.compose(file(stack, 'v2', port, { replicas }));
    const { tasks } = await world.succeed(id);
    await load.hear('v2', 150);
    const count = await load.stop();
    expect(load.failures).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(200);
    expect([...load.answers.keys()].toSorted()).toEqual(['v1', 'v2']);
    expect(tasks.map(({ containerName }) => containerName)).not.toContain(`${stack}-proxy-1`);
    const after = await world.states(stack);
    expect(after.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    const same = after.filter(({ id }) => before.some((one) => one.id === id)).map(({ name }) => name);
    expect(same).toEqual([`${stack}-proxy-1`]);
    expect(await (await fetch(url)).text()).toBe('v2');
    await world.remove(stack);
  });
});

test('a new one that gets no better, and an agent that dies meanwhile: no request fails, and the old one answers', async () => {
  const stack = 'sick';
  const port = 8340;
  await world.succeed(await world.compose(file(stack, 'v1', port)));
  const before = await world.states(stack);
  const load = startLoad(`http://${world.host('vm1').address}:${port}/cgi-bin/get`, 3);
  await load.hear('v1', 20);
  const id = await world.compose(
    file(stack, 'v2', port, { healthcheck: { test: 'exit 1', interval: '1s', retries: 4 } }),
  );
  await until(
    () => world.sql`select 1 from tasks where deployment_id = ${id} and phase = 'VERIFYING'`,
    (rows) => rows.length > 0,
    { intervalMs: 20, what: 'the new one' },
  );
  await until(
    () => world.containers('vm1', stack),
    (all) => all.some(({ State }) => (State.Health?.FailingStreak ?? 0) > 0),
    { intervalMs: 20, what: 'a first check that fails' },
  );
  await world.agent('vm1').kill();
  world.agent('vm1').start();
  const { status, cause } = await world.finish(id);
  await load.hear('v1', 20);
  await load.stop();
  expect([status, cause?.code]).toEqual(['ROLLED_BACK', 'HEALTH_CHECK_FAILED']);
  expect(load.failures).toEqual([]);
  // It receives requests before it is healthy, because Docker's names do not depend on health.
  expect(load.answers.get('v1')).toBeGreaterThan(20);
  expect(await world.states(stack)).toEqual(before);
  await world.remove(stack);
});

test.concurrent('two of one host port at a time cannot be: refused by name', async () => {
  await expect(world.compose(file('refused', 'v1', 8330, { ports: ['8331:80'] }))).rejects.toThrow(
    /start-first.*8331|8331.*start-first/s,
  );
  const { stacks } = await world.ask<{ stacks: { name: string }[] }>('{ stacks { name } }');
  expect(stacks.map(({ name }) => name)).not.toContain('refused');
});
