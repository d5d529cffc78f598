import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Observed } from '../support/fake-agent.ts';
import type { Puppet } from '../support/web/puppet.ts';
import { useStage } from '../support/web/use-stage.ts';

/** What somebody sees at a glance: what waits, what is finished, what failed, and where to find a thing among many. */
const { stage, me, go } = useStage();

const file = (name: string, tag: string, services = ['web']) =>
  `name: ${name}\nservices:\n${services.map((service) => `  ${service}: { image: "app:${tag}" }`).join('\n')}\n`;

/** The first test adds it. */
let host: Puppet;

type Deployed = { deployStack: { id: string; status: string } };
async function deploy(source: string, options = '{}'): Promise<string> {
  const mutation = `mutation ($file: String!) { deployStack(source: { compose: $file }, options: ${options}) { id } }`;
  return (await stage.api<Deployed>(mutation, { file: source })).deployStack.id;
}
const statusOf = async (id: string) => {
  const query = 'query ($id: ID!) { deployment(id: $id) { status } }';
  return (await stage.api<{ deployment: { status: string } }>(query, { id })).deployment.status;
};
const ends = (id: string, status: string) => expect.poll(() => statusOf(id), { timeout: 10_000 }).toBe(status);
const row = (page: Page, name: string) => page.locator('.stack-row', { hasText: name });

it('the way to the first host comes before the first stack', async () => {
  const page = await go('/');
  await page.getByText('No hosts yet').waitFor();
  await me.expectAccessible();
  await page.getByRole('link', { name: 'Add an agent' }).click();
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  host = await stage.puppet('vm1');
  await page.getByRole('link', { name: 'Stacks', exact: true }).click();
  await page.getByText('No stacks yet').waitFor();
  await me.expectClean();
});

describe('revisions', () => {
  it('say what became of them', async () => {
    await ends(await deploy(file('shop', '1')), 'SUCCEEDED');
    host.failures.set('shop-web-1', { code: 'IMAGE_MISSING', message: 'there is no such image' });
    await ends(await deploy(file('shop', '2'), '{ onFailure: KEEP }'), 'FAILED');
    host.failures.clear();
    const page = await go('/stacks/shop');
    const revision = (number: number) => page.getByRole('listitem', { name: `Revision ${number}`, exact: true });
    await revision(2).getByRole('link', { name: 'Failed' }).waitFor();
    expect(
      await revision(1)
        .getByText(/Failed|Succeeded/)
        .count(),
    ).toBe(0);
    await me.expectAccessible();
    await revision(2).getByRole('link', { name: 'Failed' }).click();
    await page.waitForURL(/\/deployments\/./);
    await me.expectClean();
  });

  it('that would change nothing are not offered', async () => {
    await ends(await deploy(file('shop', '1')), 'SUCCEEDED');
    const page = await go('/stacks/shop');
    await page.getByRole('button', { name: 'Scale web…' }).click();
    const scale = page.getByRole('dialog').getByRole('button', { name: 'Scale', exact: true });
    await expect.poll(() => scale.getAttribute('title')).toBe('There is nothing to do.');
    await page.getByRole('dialog').getByLabel('Number of containers').fill('2');
    await expect.poll(() => scale.getAttribute('title')).toBeNull();
    await me.expectClean();
  });
});

describe('a job that has ended', () => {
  it('is finished and not missing among those that run', async () => {
    const source = `name: jobs
services:
  migrate: { image: "app:1" }
  web: { image: "app:1", depends_on: { migrate: { condition: service_completed_successfully } } }
`;
    const id = await deploy(source);
    await expect.poll(() => host.containers.has('jobs-migrate-1'), { timeout: 10_000 }).toBe(true);
    const migrate = host.containers.get('jobs-migrate-1') as Observed;
    host.containers.set('jobs-migrate-1', { ...migrate, state: 'EXITED', exitCode: 0 });
    await host.observe();
    await ends(id, 'SUCCEEDED');
    await host.observe();
    const page = await go('/');
    await row(page, 'jobs').getByText('Running', { exact: true }).waitFor();
    await expect.poll(() => row(page, 'jobs').textContent()).toMatch(/1\/1 container running, 1 finished/);
    await row(page, 'jobs').getByRole('link', { name: 'jobs' }).click();
    const service = page.locator('.service-row', { hasText: 'migrate' });
    await expect.poll(() => service.textContent()).toMatch(/^migrate1 finished/);
    await me.expectClean();
  });
});

describe('among many', () => {
  it('a filter finds stacks by name, state and host, and stays over a reload', async () => {
    const page = await go('/');
    const filter = page.getByRole('searchbox');
    await filter.fill('job vm1');
    await expect.poll(() => page.locator('.stack-row').count()).toBe(1);
    await row(page, 'jobs').waitFor();
    await me.expectAccessible();
    await page.reload();
    await row(page, 'jobs').waitFor();
    expect(await filter.inputValue()).toBe('job vm1');
    await filter.fill('nothing like it');
    await page.getByText('No stack matches this filter.').waitFor();
    await filter.fill('');
    await row(page, 'shop').waitFor();
    expect(new URL(page.url()).search).toBe('');
    await me.expectClean();
  });

  it('a filter finds containers of a stack', async () => {
    const services = Array.from({ length: 9 }, (_, index) => `part${index}`);
    await ends(await deploy(file('wide', '1', services)), 'SUCCEEDED');
    const page = await go('/stacks/wide');
    await page.getByRole('searchbox').fill('part7');
    await expect.poll(() => page.locator('.container-row').count()).toBe(1);
    await page.getByText('wide-part7-1').waitFor();
    await page.getByRole('searchbox').fill('none of them');
    await page.getByText('No container matches this filter.').waitFor();
    await me.expectClean();
  });

  it('deployments are found by stack and status', async () => {
    const page = await go('/deployments');
    const rows = page.locator('.deployment-row');
    await rows.first().waitFor();
    await page.getByLabel('Status').selectOption('Failed');
    await expect.poll(() => rows.count()).toBe(1);
    expect(await rows.textContent()).toContain('shop');
    await page.getByRole('searchbox').fill('jobs');
    await page.getByText('No deployment matches this filter').waitFor();
    await page.reload();
    await page.getByText('No deployment matches this filter').waitFor();
    expect(await page.getByLabel('Status').inputValue()).toBe('FAILED');
    await page.getByLabel('Status').selectOption('Any status');
    await expect.poll(() => rows.count()).toBe(1);
    expect(await rows.textContent()).toContain('jobs');
    await me.expectAccessible();
    await me.expectClean();
  });

  it('an agent leads to the stacks on its host', async () => {
    const page = await go('/agents');
    const card = page.getByRole('listitem', { name: 'Agent vm1' });
    await card.getByRole('link', { name: 'jobs' }).click();
    await page.getByRole('heading', { name: /^jobs/, level: 1 }).waitFor();
    await me.expectClean();
  });
});

describe('a deployment that waits for a host', () => {
  it('says so above its tasks, and which one', async () => {
    const source = 'name: far\nservices:\n  web: { image: "app:1", deploy: { mode: global } }\n';
    const away = await stage.puppet('vm2');
    await ends(await deploy(source), 'SUCCEEDED');
    await away.close();
    await stage.api('mutation { deleteStack(name: "far") { id } }');
    const page = await go('/stacks/far');
    await page.locator('.deployment-row').first().getByRole('link').click();
    const alert = page.locator('.alert', { hasText: 'Waiting for a host' });
    await alert.getByText(/vm2 is offline, last seen/).waitFor({ timeout: 60_000 });
    const [above, tasks] = await Promise.all([alert.boundingBox(), page.locator('.task').first().boundingBox()]);
    expect(above?.y).toBeLessThan(tasks?.y ?? 0);
    await me.expectAccessible();
    await me.expectClean();
  }, 90_000);
});

describe('a host whose Docker engine does not answer', () => {
  it('is marked with what its agent met, where hosts are, where its stacks are, and where something waits', async () => {
    const host = await stage.puppet('vm4');
    const source = (image: string) =>
      `name: mute\nservices:\n  web: { image: "${image}", deploy: { placement: { constraints: ["node.hostname==vm4"] } } }\n`;
    await ends(await deploy(source('app:1')), 'SUCCEEDED');
    await host.reportEngine('no answer within 4 s');
    const agents = await go('/agents');
    const card = agents.getByRole('listitem', { name: 'Agent vm4' });
    await card.getByText('Docker does not answer').waitFor();
    await card.getByText(/no answer within 4 s/).waitFor();
    await me.expectAccessible();
    const page = await go('/stacks/mute');
    await page.getByText('Unknown', { exact: true }).first().waitFor();
    await page
      .getByRole('region', { name: 'Host vm4' })
      .getByText(/not seen since/)
      .waitFor();
    host.held.add('mute-web-1');
    const { deleteStack } = await stage.api<{ deleteStack: { id: string } }>(
      'mutation { deleteStack(name: "mute") { id } }',
    );
    const waiting = await go(`/deployments/${deleteStack.id}`);
    const alert = waiting.locator('.alert', { hasText: 'Waiting for a host' });
    await alert.getByText(/vm4 is there, but its Docker engine does not answer/).waitFor();
    await host.reportEngine(null);
    await alert.waitFor({ state: 'detached' });
    host.held.clear();
    await host.close();
    await me.expectClean();
  });
});

describe('on a phone', () => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true };

  it('the whole menu is in view, and what a row says stands in its columns', async () => {
    const page = await go('/deployments', phone);
    const menu = await page.getByRole('navigation', { name: 'Sections' }).getByRole('link').all();
    for (const link of menu) {
      const box = await link.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(390);
    }
    const first = page.locator('.deployment-row').first();
    const [name, time] = await Promise.all([
      first.getByRole('link').boundingBox(),
      first.locator('.deployment-row-time').boundingBox(),
    ]);
    expect(time?.x).toBe(name?.x);
    const align = "getComputedStyle(document.querySelector('.deployment-row-time')).textAlign";
    expect(await page.evaluate(align)).toBe('start');
    await me.expectAccessible();
    await me.expectClean();
  });

  it('the editor leaves room for what comes below it', async () => {
    const page = await go('/deploy', phone);
    const below = await page.getByLabel('Name of the stack').boundingBox();
    expect((below?.y ?? 999) + (below?.height ?? 0)).toBeLessThan(844);
    await me.expectClean();
  });
});
