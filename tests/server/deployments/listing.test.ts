import { beforeAll, expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';

const seed = useSeed();
beforeAll(async () => {
  const host = await seed.host('vm1');
  await seed.deploy(stackFile('one', [container('one-a', 'vm1')]));
  await host.work();
  await seed.run('stopStack', { name: 'one' });
  await host.work();
  await seed.deploy(stackFile('two', [container('two-a', 'vm1')]));
});

type Page = { deployments: { nodes: { stack: string; kind: string; createdAt: string }[] } };
const list = async (args: string) =>
  (await seed.ask<Page>(`{ deployments${args} { nodes { stack kind createdAt } } }`)).deployments.nodes;
const words = async (args: string) => (await list(args)).map(({ stack, kind }) => `${kind} ${stack}`);

test('deployments are found by status, kind, person and time, and by several of them', async () => {
  expect(await words('')).toEqual(['DEPLOY two', 'STOP one', 'DEPLOY one']);
  expect(await words('(status: RUNNING)')).toEqual(['DEPLOY two']);
  expect(await words('(status: SUCCEEDED)')).toEqual(['STOP one', 'DEPLOY one']);
  expect(await words('(kind: STOP)')).toEqual(['STOP one']);
  expect(await words('(kind: DEPLOY, status: SUCCEEDED)')).toEqual(['DEPLOY one']);
  expect(await words('(stack: "two", kind: STOP)')).toEqual([]);
  expect(await words('(createdBy: "nobody")')).toEqual([]);
  expect(await words('(createdBy: "admin")')).toHaveLength(3);
  const [, stop] = await list('');
  expect(await words(`(since: "${stop?.createdAt}")`)).toEqual(['DEPLOY two', 'STOP one']);
});
