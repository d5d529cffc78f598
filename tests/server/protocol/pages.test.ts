import { expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

const REPORT =
  'mutation($epoch: Int!, $c: [ContainerReport!]!, $o: [ID!]) { reportContainers(epoch: $epoch, containers: $c, others: $o) }';
const container = (id: string, ports: object[] = []) => ({
  id,
  name: id,
  stack: 'paged',
  service: 's',
  replica: 1,
  revision: 1,
  specHash: 'h',
  image: 'i',
  state: 'RUNNING',
  health: 'NONE',
  ports,
});
const known = async () =>
  (await seed.sql`select container_id as id, ports from containers order by container_id`) as unknown as {
    id: string;
    ports: { hostPort: number; containerPort: number }[];
  }[];

test('a list may come in several messages; what is in neither list of one is gone', async () => {
  const agent = await seed.agent('paged');
  const send = (c: object[], o?: string[]) => seed.ask(REPORT, { epoch: agent.epoch(), c, o }, agent.secret);
  await send([container('a'), container('b'), container('old')]);
  await send([container('a'), container('c')], ['b', 'd']);
  expect((await known()).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  await send([container('d')], ['a', 'b', 'c']);
  expect((await known()).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  await send([container('a')]);
  expect((await known()).map(({ id }) => id)).toEqual(['a']);
});

test('a few bytes that stand for millions of ports, and ports that are none, are refused', async () => {
  const agent = await seed.agent('greedy');
  const send = (ports: object[]) =>
    seed.try(REPORT, { epoch: agent.epoch(), c: [container('g', ports)] }, agent.secret);
  const codeOf = async (ports: object[]) => (await send(ports)).errors?.[0]?.extensions.code;
  expect(await codeOf(Array(60).fill({ containerPort: 1, protocol: 'TCP', count: 65_535 }))).toBe('BAD_INPUT');
  for (const port of [-5, 0, 65_536, 2_147_483_647]) {
    expect(await codeOf([{ containerPort: port, protocol: 'TCP' }]), String(port)).toBe('BAD_INPUT');
    expect(await codeOf([{ containerPort: 1, hostPort: port, protocol: 'TCP' }]), String(port)).toBe('BAD_INPUT');
  }
  expect(await codeOf([{ containerPort: 1, protocol: 'TCP', count: 65_535 }])).toBeUndefined();
});

test('a range of ports is stored port by port, and one that ends beyond the last is refused', async () => {
  const agent = await seed.agent('ranged');
  const range = (hostPort: number, count: number) => [
    container('r', [{ containerPort: 10_000, hostPort, protocol: 'UDP', hostIp: '0.0.0.0', count }]),
  ];
  const send = (c: object[]) => seed.try(REPORT, { epoch: agent.epoch(), c }, agent.secret);
  expect((await send(range(20_000, 10_001))).errors).toBeUndefined();
  const { ports } = (await known()).find(({ id }) => id === 'r') ?? { ports: [] };
  expect(ports).toHaveLength(10_001);
  expect(ports.at(-1)).toEqual({ containerPort: 20_000, hostPort: 30_000, protocol: 'UDP', hostIp: '0.0.0.0' });
  for (const [hostPort, count] of [
    [60_000, 10_000],
    [20_000, 0],
    [20_000, -1],
  ] as const) {
    expect((await send(range(hostPort, count))).errors?.[0]?.extensions.code).toBe('BAD_INPUT');
  }
});

test('a container that is in a report twice, or has an id that no engine gives, is bad input', async () => {
  const agent = await seed.agent('twice');
  const send = (c: object[]) => seed.try(REPORT, { epoch: agent.epoch(), c }, agent.secret);
  const long = Array.from({ length: 300 }, () => crypto.randomUUID()).join('');
  for (const report of [[container('two'), container('one'), container('two')], [container(long)]]) {
    expect((await send(report)).errors?.[0]?.extensions.code).toBe('BAD_INPUT');
  }
  expect((await known()).filter(({ id }) => ['one', 'two', long].includes(id))).toEqual([]);
});

test('a container with labels of any kind does not keep the others from being known', async () => {
  const agent = await seed.agent('labelled');
  const long = Array.from({ length: 300 }, () => crypto.randomUUID()).join('');
  const ports = [{ containerPort: 80, hostIp: 'x\ud800\0', protocol: 'TCP' }];
  const odd = {
    ...container('odd', ports),
    stack: long,
    service: 'a\0b',
    specHash: long,
    taskId: '\ud800',
    name: long,
  };
  await seed.ask(REPORT, { epoch: agent.epoch(), c: [odd, container('plain')] }, agent.secret);
  const [row] = await seed.sql`select stack, service from containers where container_id = 'odd'`;
  expect(row).toEqual({ stack: long.slice(0, 255), service: 'ab' });
  expect((await known()).map(({ id }) => id)).toContain('plain');
});

test('the containers of a large host are all taken', async () => {
  const agent = await seed.agent('large');
  const all = Array.from({ length: 3_000 }, (_, index) => container(`large-${String(index).padStart(4, '0')}`));
  const ids = all.map(({ id }) => id);
  for (let at = 0; at < all.length; at += 600) {
    const page = all.slice(at, at + 600);
    const others = ids.filter((id) => !page.some((one) => one.id === id));
    await seed.ask(REPORT, { epoch: agent.epoch(), c: page, o: others }, agent.secret);
  }
  expect((await known()).filter(({ id }) => id.startsWith('large-'))).toHaveLength(3_000);
});
