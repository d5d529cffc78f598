import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/agents.ts';
import type { Puppet } from '../support/web/puppet.ts';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

const shop = (tag: string, name = 'shop') => `name: ${name}
services:
  web: { image: "nginx:${tag}", environment: { LEVEL: "${tag}" } }
  db: { image: "postgres:17" }
`;

let host: Puppet;

beforeAll(async () => {
  host = await stage.puppet('vm1');
  await run('deployStack(source: { compose: $file }) { id }', { file: shop('1.26') });
  await run('deployStack(source: { compose: $file }) { id }', { file: shop('1.27') });
});

/** Sends a mutation that returns a deployment, and waits until that has succeeded. */
async function run(mutation: string, variables: { file?: string } = {}): Promise<void> {
  const head = variables.file === undefined ? 'mutation' : 'mutation ($file: String!)';
  const { deployment } = await stage.api<{ deployment: { id: string } }>(
    `${head} { deployment: ${mutation} }`,
    variables,
  );
  const read = () =>
    stage.api<{ deployment: { status: string } }>('query ($id: ID!) { deployment(id: $id) { status } }', deployment);
  await until(read, ({ deployment: { status } }) => status === 'SUCCEEDED', { what: mutation });
}

const dialog = (page: Page) => page.getByRole('dialog');
const revision = (page: Page, number: number) =>
  page.getByRole('listitem', { name: `Revision ${number}`, exact: true });
const verdict = (page: Page, text: string) => page.locator('.summary .badge', { hasText: text }).waitFor();

describe('revisions', () => {
  it('are listed with what sets them apart and their files', async () => {
    const page = await go('/stacks/shop');
    await revision(page, 2).getByText('Current', { exact: true }).waitFor();
    await revision(page, 2).getByText('Good').waitFor();
    await revision(page, 1).getByText('by first admin').waitFor();
    await page.getByRole('button', { name: 'File of revision 1' }).click();
    await expect.poll(() => revision(page, 1).locator('.source-text').textContent()).toBe(shop('1.26'));
    await page.getByRole('button', { name: 'Compare' }).click();
    const differences = page.getByRole('list', { name: 'Differences of revision 2 from revision 1' });
    await differences.getByText('image').waitFor();
    expect(await differences.textContent()).toMatch(/environment\.LEVEL.*1\.26.*1\.27/);
    await page.getByLabel('From', { exact: true }).selectOption('Revision 2');
    await page.getByText('There are no differences.').waitFor();
    await me.expectAccessible();
    await me.shoot('revisions');
    await me.expectClean();
  });

  it.each(['dark', 'phone'] as const)('look right: %s', async (look) => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true };
    const page = await go('/stacks/shop', look === 'phone' ? phone : { colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.locator('.compare .differences').first().waitFor();
    await page.getByRole('button', { name: 'Roll back to revision 1…' }).click();
    await dialog(page).locator('.plan-row').first().waitFor();
    expect(await page.evaluate('graphiumTest.getOverflowPx()')).toBe(0);
    await me.expectAccessible();
    await me.shoot(`revisions-${look}`);
    await me.expectClean();
  });

  it('can be rolled back to, with the plan first', async () => {
    const page = await go('/stacks/shop');
    const current = page.getByRole('button', { name: 'Roll back to revision 2…' });
    expect(await current.getAttribute('title')).toBe('This is the current revision.');
    await page.getByRole('button', { name: 'Roll back to revision 1…' }).click();
    const row = dialog(page).locator('.plan-row', { hasText: 'shop-web-1' });
    await row.getByText('Replace').waitFor();
    expect(await row.textContent()).toMatch(/nginx:1\.27.*nginx:1\.26/);
    await dialog(page).getByRole('button', { name: 'Roll back to revision 1' }).click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Succeeded');
    expect(host.containers.get('shop-web-1')?.image).toBe('nginx:1.26');
    await page.getByRole('link', { name: 'shop', exact: true }).click();
    await revision(page, 3).getByText('as revision 1').waitFor();
    await me.expectClean();
  });
});

describe('services', () => {
  it('are scaled, with the plan first, to none as well and back', async () => {
    const page = await go('/stacks/shop');
    await page.getByRole('button', { name: 'Scale web…' }).click();
    await dialog(page).getByLabel('Number of containers').fill('3');
    await dialog(page).getByText('2 containers to change').waitFor();
    await me.expectAccessible();
    await me.shoot('scale');
    await dialog(page).getByRole('button', { name: 'Scale', exact: true }).click();
    await verdict(page, 'Succeeded');
    expect([...host.containers.keys()].sort()).toEqual(['shop-db-1', 'shop-web-1', 'shop-web-2', 'shop-web-3']);

    await run('scaleStack(name: "shop", service: "web", replicas: 0) { id }');
    await page.getByRole('link', { name: 'shop', exact: true }).click();
    const web = page.locator('.service-row', { hasText: 'web' });
    await web.getByText('0/0').waitFor();
    await web.getByRole('button', { name: 'Scale web…' }).click();
    await dialog(page).getByLabel('Number of containers').fill('1');
    await dialog(page).getByText('1 container to change').waitFor();
    await dialog(page).getByRole('button', { name: 'Scale', exact: true }).click();
    await verdict(page, 'Succeeded');
    await me.expectClean();
  });

  it('are restarted one at a time', async () => {
    const page = await go('/stacks/shop');
    await page.getByRole('button', { name: 'Restart db…' }).click();
    await dialog(page).locator('.plan-row', { hasText: 'shop-db-1' }).getByText('Restart').waitFor();
    await dialog(page).getByRole('button', { name: 'Restart', exact: true }).click();
    await verdict(page, 'Succeeded');
    await page.locator('.task', { hasText: 'shop-db-1' }).waitFor();
    expect(await page.locator('.task', { hasText: 'shop-web-1' }).count()).toBe(0);
    await me.expectClean();
  });
});

describe('drift', () => {
  it('is shown as it happens, and repaired after its plan', async () => {
    const page = await go('/stacks/shop');
    const region = page.getByRole('region', { name: 'Drift' });
    await region.getByText('No drift: every').waitFor();
    host.containers.delete('shop-web-1');
    const db = host.containers.get('shop-db-1');
    if (db) host.containers.set('shop-db-1', { ...db, state: 'EXITED', exitCode: 137 });
    await host.observe();
    await region.locator('.plan-row', { hasText: 'shop-web-1' }).getByText('Missing').waitFor();
    await region.locator('.plan-row', { hasText: 'shop-db-1' }).getByText('Stopped').waitFor();
    await me.expectAccessible();
    await me.shoot('drift');
    await region.getByRole('button', { name: 'Repair…' }).click();
    await dialog(page).locator('.plan-row', { hasText: 'shop-web-1' }).getByText('Create').waitFor();
    await dialog(page).getByRole('button', { name: 'Repair', exact: true }).click();
    await verdict(page, 'Succeeded');
    await page.getByRole('link', { name: 'shop', exact: true }).click();
    await region.getByText('No drift: every').waitFor();
    await me.expectClean();
  });

  it('is repaired without being asked where that is switched on', async () => {
    const page = await go('/stacks/shop');
    const automatic = page.getByRole('switch', { name: 'Repair automatically' });
    expect(await automatic.getAttribute('aria-checked')).toBe('false');
    await automatic.click();
    await page.locator('.switch[aria-checked=true]').waitFor();
    host.containers.delete('shop-web-1');
    await host.observe();
    await page.locator('.deployment-row', { hasText: 'Repair' }).getByText('by graphium').waitFor();
    await page.getByRole('region', { name: 'Drift' }).getByText('No drift: every').waitFor();
    await automatic.click();
    await page.locator('.switch[aria-checked=false]').waitFor();
    await me.expectClean();
  });
});

describe('orphans', () => {
  const lose = async (name: string) => {
    await run('deployStack(source: { compose: $file }) { id }', { file: shop('1.26', name) });
    const kept = [...host.containers].filter(([, container]) => container.stack === name);
    await run(`deleteStack(name: "${name}") { id }`);
    // As after a restored backup: no task of this database made them.
    for (const [key, container] of kept) host.containers.set(key, { ...container, taskId: randomUUID() });
    await host.observe();
  };

  it('are adopted with their file, untouched', async () => {
    await lose('lost');
    const page = await go('/');
    const orphans = page.getByRole('region', { name: 'Orphans of lost' });
    await orphans.getByText('lost-web-1').waitFor();
    await me.expectAccessible();
    await me.shoot('orphans');
    await orphans.getByRole('button', { name: 'Adopt lost…' }).click();
    await page.waitForURL('**/stacks/lost/adopt');
    expect(await page.getByLabel('Name of the stack').inputValue()).toBe('lost');
    const adopt = page.getByRole('button', { name: 'Adopt as they are' });
    const editor = page.getByLabel('Stack file', { exact: true });
    await editor.fill(shop('1.27', 'lost'));
    await page.getByText('This file would change what is running').waitFor();
    expect(await adopt.getAttribute('aria-disabled')).toBe('true');
    await editor.fill(shop('1.26', 'lost'));
    await page.getByText('Nothing to do').waitFor();
    await me.expectAccessible();
    await me.shoot('adopt');
    await adopt.click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Succeeded');
    await me.expectClean();
  });

  it('are removed after a question that names them', async () => {
    await lose('stray');
    const page = await go('/');
    await page.getByRole('button', { name: 'Remove orphans of stray…' }).click();
    await dialog(page).getByText('stray-db-1').waitFor();
    await dialog(page).getByText('stray-web-1').waitFor();
    await me.expectAccessible();
    await dialog(page).getByRole('button', { name: 'Remove 2 containers' }).click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Succeeded');
    expect([...host.containers.keys()].filter((name) => name.startsWith('stray'))).toEqual([]);
    await me.expectClean();
  });
});
