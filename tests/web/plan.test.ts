import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Puppet } from '../support/web/puppet.ts';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

const shop = (tag: string, more = '') => `name: shop
services:
  web:
    image: nginx:${tag}
    ports: ["8080:80"]
    deploy: { placement: { constraints: ["node.hostname == vm1"] } }
  db:
    image: postgres:17
    deploy: { placement: { constraints: ["node.hostname == vm2"] } }
${more}`;

const CANCELLED = { code: 'UNHEALTHY', message: 'the health check failed 3 times', left: 'PREVIOUS', exitCode: 3 };

let vm1: Puppet;
let vm2: Puppet;

beforeAll(async () => {
  vm1 = await stage.puppet('vm1');
  vm2 = await stage.puppet('vm2');
});

const editor = (page: Page) => page.getByLabel('Stack file', { exact: true });
const plan = (page: Page) => page.getByRole('region', { name: 'Plan', exact: true });
const host = (page: Page, name: string) => page.getByRole('region', { name: `Plan for host ${name}` });
const deploy = (page: Page) => plan(page).getByRole('button', { name: 'Deploy', exact: true });
const verdict = (page: Page, text: string) => page.locator('.summary .badge', { hasText: text }).waitFor();

/** Writes into the editor and waits for the plan of exactly that text. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).fill(text);
  await plan(page).getByText('the plan will be updated in a moment').waitFor();
  await page.locator('section[aria-busy=false] .plan-summary').waitFor();
  await plan(page).getByText('the plan will be updated in a moment').waitFor({ state: 'detached' });
}

describe('a plan', () => {
  it('is shown by host and container before the button that runs it, and is what is done', async () => {
    const page = await go('/deploy');
    expect(await deploy(page).getAttribute('title')).toBe('Paste or choose a stack file first.');
    await write(page, shop('1.26'));
    await host(page, 'vm1').locator('.plan-row', { hasText: 'shop-web-1' }).getByText('Create').waitFor();
    await host(page, 'vm2').locator('.plan-row', { hasText: 'shop-db-1' }).getByText('it is not there').waitFor();
    await plan(page).getByText('nginx:1.26 on vm1').waitFor();
    await plan(page).getByText('No downtime expected').waitFor();
    await me.expectAccessible();
    await deploy(page).click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Succeeded');
    expect([...vm1.containers.keys()]).toEqual(['shop-web-1']);
    await me.expectClean();
  });

  it('begins with the current file, says that there is nothing to do, and what differs', async () => {
    const page = await go('/stacks/shop');
    await page.locator('.page-head').getByRole('button', { name: 'Change…' }).click();
    await page.waitForURL('**/stacks/shop/deploy');
    await plan(page).getByText('Nothing to do').waitFor();
    expect(await editor(page).textContent()).toContain('nginx:1.26');
    await write(page, shop('1.27'));
    const row = host(page, 'vm1').locator('.plan-row', { hasText: 'shop-web-1' });
    await row.getByText('Replace').waitFor();
    expect((await row.locator('.differences').textContent()) ?? '').toMatch(/image.*nginx:1\.26.*nginx:1\.27/);
    await host(page, 'vm2').locator('.plan-row', { hasText: 'shop-db-1' }).getByText('Unchanged').waitFor();
    await plan(page).getByText('Downtime expected').waitFor();
    await plan(page).getByText('its container is stopped before the successor starts').waitFor();
    await me.expectAccessible();
    await me.shoot('plan-replace');
    await me.expectClean();
  });

  it('that is no longer true is not done; the new one is shown', async () => {
    const page = await go('/stacks/shop/deploy');
    await write(page, shop('1.27'));
    await host(page, 'vm2').locator('.plan-row', { hasText: 'shop-db-1' }).getByText('Unchanged').waitFor();
    const before = vm2.containers.get('shop-db-1');
    vm2.containers.delete('shop-db-1');
    await vm2.observe();
    await deploy(page).click();
    await page.getByText('The plan changed while you looked at it').waitFor();
    await host(page, 'vm2').locator('.plan-row', { hasText: 'shop-db-1' }).getByText('Create').waitFor();
    expect(page.url()).toContain('/stacks/shop/deploy');
    expect(vm1.containers.get('shop-web-1')?.image).toBe('nginx:1.26');
    await me.expectAccessible();
    await me.shoot('plan-changed');
    if (before) vm2.containers.set('shop-db-1', before);
    await vm2.observe();
    await me.expectClean();
  });

  it('takes its options, and says which of them cannot be', async () => {
    const page = await go('/stacks/shop/deploy');
    await write(page, shop('1.27'));
    await plan(page).getByText('Options').click();
    await page.getByLabel('Priority').fill('1000');
    expect(await deploy(page).getAttribute('title')).toBe('Priority: a whole number from -100 to 100.');
    await page.getByLabel('Priority').fill('7');
    await page.getByLabel('On failure').selectOption('Keep what was done');
    await page.getByLabel('Time limit (seconds)').fill('900');
    await me.expectAccessible();
    vm1.held.add('shop-web-1');
    await deploy(page).click();
    await page.waitForURL(/\/deployments\/./);
    await page.getByText('Priority 7').waitFor();
    await page.getByText('what was done is kept').waitFor();
    await page.getByText(/Fails if it is not done in 1[45] m/).waitFor();
    await me.expectClean();
  });
});

describe('a deployment', () => {
  it('that is cancelled says which container it left', async () => {
    const page = await go('/deployments');
    await page.locator('.deployment-row .row-link').first().click();
    await page.locator('.task', { hasText: 'shop-web-1' }).locator('.badge', { hasText: 'Running' }).waitFor();
    await page.getByRole('button', { name: 'Cancel deployment' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel deployment' }).click();
    await verdict(page, 'Cancelled');
    vm1.held.clear();
    const left = page.getByRole('region', { name: 'What is in place now' });
    await left.getByText('The previous container is in place').waitFor();
    await left.getByText('shop-web-1 on vm1').waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    await me.expectAccessible();
    await me.shoot('deployment-cancelled');
    await me.expectClean();
  });

  it('that is rolled back says why, with logs, and sets the rollback apart', async () => {
    const page = await go('/stacks/shop/deploy');
    const healthLog = ['exit 1: connection refused'];
    vm1.failures.set('shop-web-1', { ...CANCELLED, healthLog, logs: ['starting', 'panic: no config'] });
    await write(page, shop('1.28'));
    await deploy(page).click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Rolled back');
    vm1.failures.clear();
    const cause = page.getByRole('region', { name: 'Cause' });
    await cause.getByText('UNHEALTHY').waitFor();
    await cause.getByText('panic: no config').waitFor();
    await cause.getByText('connection refused').waitFor();
    await cause.getByText('the previous container is in place').waitFor();
    await page.getByRole('heading', { name: 'Rollback' }).waitFor();
    await page.getByRole('heading', { name: 'Tasks' }).waitFor();
    await me.expectAccessible();
    await me.shoot('deployment-rolled-back');
    await page.getByRole('button', { name: 'Change its file and deploy…' }).click();
    await page.waitForURL(/\/stacks\/shop\/deploy\/\d+$/);
    await expect.poll(() => editor(page).textContent()).toContain('nginx:1.28');
    await me.expectClean();
  });

  it('that pauses between its groups counts down', async () => {
    const page = await go('/deploy');
    const file = shop('1.26').replace('name: shop', 'name: slow').replace('8080:80', '80');
    const rollout = 'replicas: 2, update_config: { parallelism: 1, delay: 60s }, placement';
    const paused = file.replace('deploy: { placement', `deploy: { ${rollout}`);
    await write(page, paused);
    await deploy(page).click();
    await verdict(page, 'Succeeded');
    await page.getByRole('link', { name: 'slow' }).click();
    await page.locator('.page-head').getByRole('button', { name: 'Change…' }).click();
    await plan(page).getByText('Nothing to do').waitFor();
    await write(page, paused.replace('nginx:1.26', 'nginx:1.27'));
    await deploy(page).click();
    await page.getByText(/It waits for a pause to end and starts in \d+ s/).waitFor();
    await me.expectAccessible();
    await me.shoot('deployment-paused');
    await me.expectClean();
  });
});
