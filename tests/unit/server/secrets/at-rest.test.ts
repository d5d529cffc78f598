import { describe, expect, test } from 'vitest';
import type { ContainerTaskSpec, TaskSpec } from '../../../../server/db/values.ts';
import { checkOpen, openStack, openTask, outlineOf, sealStack, sealTask } from '../../../../server/secrets/at-rest.ts';
import { createVault } from '../../../../server/secrets/seal.ts';
import { specHashOf } from '../../../../server/spec/hash.ts';
import { containerOf, portOf, serviceOf, specOf } from '../../../support/planning/stories.ts';

const vault = createVault(Buffer.alloc(32, 1));
const lost = createVault(Buffer.alloc(32, 2));
const mismatch = expect.objectContaining({ code: 'SECRET_KEY_MISMATCH' });

const container = { environment: { KEY: 'hidden' }, command: ['hidden'], ports: [portOf(80)], user: 'hidden' };
const shop = {
  ...specOf('shop', [serviceOf('web', { container }), serviceOf('db')]),
  volumes: [{ name: 'shop_data', driverOptions: { o: 'password=hidden' } }],
};
const deploy: ContainerTaskSpec = {
  version: 1,
  revision: 3,
  specHash: 'abc',
  container: containerOf('web', container),
  networks: shop.networks,
  volumes: shop.volumes,
};
const others: TaskSpec[] = [
  { version: 1, image: 'nginx', policy: 'missing' },
  { version: 1, keep: 'abc' },
  { version: 1, upTo: 3 },
  { version: 1, networks: ['shop_default'], volumes: [] },
];

describe('a spec at rest', () => {
  test('shows names, images and ports, and what has global services and which hash a task brings', () => {
    const stored = sealStack({ ...shop, services: shop.services.map((one) => ({ ...one, global: true })) }, vault, 'a');
    expect(JSON.stringify(stored)).not.toContain('hidden');
    expect(stored).toMatchObject({
      services: [{ global: true, container: { name: 'web', image: 'nginx', ports: [{ hostPort: 80 }] } }, {}],
      volumes: [{ name: 'shop_data' }],
    });
    const task = sealTask(deploy, vault, 'a');
    expect(JSON.stringify(task)).not.toContain('hidden');
    expect(task).toMatchObject({ specHash: 'abc', revision: 3 });
  });

  test('opens as it was', () => {
    const opened = openStack(sealStack(shop, vault, 'a'), vault, 'a');
    expect(opened).toEqual(shop);
    expect(opened.services.map((one) => specHashOf(one.container))).toEqual(
      shop.services.map((one) => specHashOf(one.container)),
    );
    expect(() => checkOpen(opened)).not.toThrow();
    for (const spec of [deploy, ...others]) expect(openTask(sealTask(spec, vault, 'a'), vault, 'a')).toEqual(spec);
  });

  test.each([
    ['another key', lost, 'a'],
    ['another row', vault, 'b'],
  ])('stays sealed with %s, and says so when it is needed', (_what, other, owner) => {
    const opened = openStack(sealStack(shop, vault, 'a'), other, owner);
    expect(opened.services[0]?.container).toMatchObject({ name: 'web', environment: {}, command: null });
    expect(() => checkOpen(opened)).toThrow(mismatch);
    expect(() => checkOpen(opened)).toThrow(/^The container "web" cannot be opened/);
    // It is sealed as it is, for the next row, and never passes for a container without an environment.
    const again = openStack(sealStack(opened, other, 'c'), other, 'c');
    expect(() => checkOpen(again)).toThrow(mismatch);
  });

  test('opens for no other container of its row', () => {
    const stored = sealStack(shop, vault, 'a') as unknown as typeof shop;
    const [web, db] = stored.services;
    const sealed = Object.entries(web?.container ?? {}).filter(([key]) => key === 'sealed');
    const swapped = {
      ...stored,
      services: [{ ...db, container: { ...db?.container, ...Object.fromEntries(sealed) } }],
    };
    expect(() => checkOpen(openStack(swapped as never, vault, 'a'))).toThrow(/^The container "db"/);
  });

  test('has an outline without any key', () => {
    expect(outlineOf(sealStack(shop, vault, 'a')).services[0]?.container).toMatchObject({
      name: 'web',
      ports: [{ hostPort: 80 }],
      environment: {},
    });
  });
});
