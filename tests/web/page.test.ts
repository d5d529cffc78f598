import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { getLab } from '../support/lab.ts';
import { ROOT } from '../support/root.ts';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage({ agents: true });

const MULTIHOST = readFileSync(join(ROOT, 'examples', 'nginx-multihost-stack.json'), 'utf8');
const HOSTS = ['localhost-docker', 'vm1', 'vm2'];

/** Once the plan is there. */
async function deploy(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Deploy', exact: true });
  await button.and(page.locator(':not([aria-disabled])')).click();
}

/** Takes the README's picture, only when asked to, while the images are there and the containers are being made. */
async function takePicture(page: Page): Promise<void> {
  await page.locator('.summary-counts', { hasText: /^[3-5] of 6/ }).waitFor({ timeout: 60_000 });
  await page.locator('.task .badge', { hasText: 'Verifying' }).first().waitFor();
  await page.screenshot({ path: join(ROOT, 'docs', 'page.png') });
}

const verdict = (page: Page, text: string) =>
  page.locator('.summary .badge', { hasText: text }).waitFor({ timeout: 60_000 });

it('a stack on three hosts is deployed by dropping its file, and its tasks are watched until they are done', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await me.drop('nginx-multihost-stack.json', MULTIHOST);
  await page.getByText('nginx-multihost-stack.json').waitFor();
  for (const host of HOSTS) await page.getByRole('region', { name: `Plan for host ${host}` }).waitFor();
  await me.expectAccessible();
  await deploy(page);

  await page.waitForURL(/\/deployments\/./);
  for (const host of HOSTS) await page.getByRole('region', { name: `Host ${host}` }).waitFor();
  await me.shoot('deployment-running');
  if (process.env.GRAPHIUM_PICTURE) await takePicture(page);
  await verdict(page, 'Succeeded');
  expect(await page.locator('#announcer').textContent()).toBe('Deploy nginx-multihost: Succeeded');
  expect(await page.locator('.task').count()).toBe(await page.locator('.task-completed').count());
  await me.expectAccessible();
  await me.shoot('deployment-done');
  await me.expectClean();
});

it('a stack on three hosts is listed as running, with its containers on their hosts', async () => {
  const page = await go('/');
  const row = page.locator('.stack-row', { hasText: 'nginx-multihost' });
  await row.locator('.badge', { hasText: 'Running' }).waitFor();
  await row.getByText('3/3').waitFor();
  await row.getByRole('link', { name: 'nginx-multihost' }).click();
  for (const [index, host] of HOSTS.entries()) {
    const region = page.getByRole('region', { name: `Host ${host}` });
    await region.getByText(`nginx-${index + 1}`, { exact: true }).waitFor();
    await region.locator('.badge', { hasText: 'Running' }).waitFor();
    await region.getByText(`:${8081 + index} → 80`).waitFor();
  }
  await page.getByRole('button', { name: 'File of revision 1' }).click();
  await page.locator('.source-text').waitFor();
  expect(await page.locator('.source-text').textContent()).toBe(MULTIHOST);
  await me.expectAccessible();
  await me.shoot('stack');
  await me.expectClean();
});

it('a stack on three hosts is stopped, started and restarted', async () => {
  const page = await go('/stacks/nginx-multihost');
  for (const [action, state] of [
    ['Stop', 'Stopped'],
    ['Start', 'Running'],
    ['Restart', 'Running'],
  ] as const) {
    await page.locator('.page-head').getByRole('button', { name: action, exact: true }).click();
    if (action !== 'Start')
      await page
        .getByRole('dialog')
        .getByRole('button', { name: `${action} nginx` })
        .click();
    await page.waitForURL(/\/deployments\/./);
    await verdict(page, 'Succeeded');
    await page.getByRole('link', { name: 'nginx-multihost' }).click();
    await page.locator('.page-head .badge', { hasText: state }).waitFor();
  }
  await me.expectClean();
});

it('the page comes back by itself after the server was away, with what happened meanwhile', async () => {
  const page = await go('/');
  await page.locator('.stack-row').first().waitFor();
  await stage.kill();
  await page.getByText('Reconnecting…').waitFor();
  await me.expectAccessible();
  await stage.start();
  await page.getByText('Reconnecting…').waitFor({ state: 'detached', timeout: 30_000 });
  await stage.api('mutation { stopStack(name: "nginx-multihost") { id } }');
  await page.locator('.stack-row .badge', { hasText: 'Stopped' }).waitFor({ timeout: 60_000 });
  await me.expectClean({ offline: true });
});

it('a stack on three hosts is deleted after a confirmation, and disappears', async () => {
  const page = await go('/stacks/nginx-multihost');
  const ask = page.locator('.page-head').getByRole('button', { name: 'Delete' });
  await ask.click();
  const dialog = page.getByRole('dialog', { name: 'Delete nginx-multihost?' });
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await ask.evaluate((element) => element.matches(':focus'))).toBe(true);
  await ask.click();
  await dialog.getByLabel('Also remove volumes').check();
  await me.expectAccessible();
  await dialog.getByRole('button', { name: 'Delete nginx-multihost' }).click();
  await page.waitForURL(/\/deployments\/./);
  await verdict(page, 'Succeeded');
  await page.getByRole('link', { name: 'Stacks', exact: true }).click();
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await page.locator('.stack-row', { hasText: 'nginx-multihost' }).waitFor({ state: 'detached' });
  await me.expectClean();
});

it('shows why an image cannot be had, with the code', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  const broken = MULTIHOST.replaceAll('nginx:alpine', 'nginx:missing').replaceAll('nginx-multihost', 'broken');
  await me.drop('broken.json', broken);
  await deploy(page);
  await verdict(page, 'Failed');
  const cause = page.getByRole('region', { name: 'Cause' });
  expect(await cause.locator('.code-chip').first().textContent()).toMatch(/^IMAGE_|^PULL_/);
  expect(await page.locator('.task-failed').count()).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  await me.expectAccessible();
  await me.shoot('deployment-failed');
  await me.expectClean();
});

it('shows what of a file is taken by another stack', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await me.drop('other.json', MULTIHOST.replaceAll('nginx-multihost', 'other'));
  const alert = page.getByRole('region', { name: 'Plan' }).getByRole('alert');
  await alert
    .getByText(/NAME_IN_USE|PORT_IN_USE/)
    .first()
    .waitFor();
  await me.expectAccessible();
  await me.shoot('deploy-taken');
  await me.expectClean();
});

it('shows the bytes of a pull, all together and layer by layer', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  const { hosts, images } = getLab();
  for (const { socketPath } of hosts) {
    await new Docker({ socketPath })
      .getImage(images.big)
      .remove({ force: true })
      .catch(() => {});
  }
  const large = MULTIHOST.replaceAll('nginx:alpine', images.big)
    .replaceAll('"nginx-', '"large-')
    .replaceAll('"hostPort": 808', '"hostPort": 909');
  await me.drop('large.json', large);
  await deploy(page);
  await page.waitForURL(/\/deployments\/./);
  await page
    .getByRole('button', { name: /^Details of Pull/ })
    .first()
    .click();
  await page
    .locator('.task-progress', { hasText: /MiB of/ })
    .first()
    .waitFor();
  await page.locator('.layers li').nth(3).waitFor();
  await me.shoot('deployment-pulling');
  await me.expectClean();
});

it('shows the agents with how they are connected, and the command that adds one', async () => {
  const page = await go('/agents');
  for (const host of HOSTS) {
    const card = page.getByRole('listitem', { name: `Agent ${host}` });
    await card.getByText('Online').waitFor();
    await card.getByText('Stream').waitFor();
  }
  await page.getByRole('button', { name: 'Add an agent' }).click();
  await page.getByLabel('Name (optional)').fill('vm9');
  await page.getByLabel('Labels (optional)').fill('zone=cellar');
  await page.getByLabel('Server address (optional)').fill('https://10.0.0.9:8443');
  await page.getByRole('button', { name: 'Create the command' }).click();
  const command = page.getByRole('dialog').locator('.secret-text');
  await command.waitFor();
  expect(await command.textContent()).toMatch(/--server https:\/\/10\.0\.0\.9:8443 --join gph_join_/);
  await me.expectAccessible();
  await me.shoot('add-agent');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await me.shoot('agents');
  await me.expectClean();
});
