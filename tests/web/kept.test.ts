import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

beforeAll(async () => {
  await stage.puppet('localhost-docker');
});

const FILE = 'name: kept\nservices:\n  web:\n    image: nginx:alpine';
const editor = (page: Page) => page.getByLabel('Stack file', { exact: true });
const away = async (page: Page) => {
  await page.getByRole('link', { name: 'Stacks', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
};
const back = async (page: Page) => {
  await page.getByRole('button', { name: 'Deploy a stack' }).first().click();
  await editor(page).waitFor();
};

it('keeps what was written over a click elsewhere, until it is deployed or begun anew', async () => {
  const page = await go('/deploy');
  await editor(page).fill(FILE);
  await away(page);
  await back(page);
  await editor(page).getByText('nginx:alpine').waitFor();
  await me.expectAccessible();
  await page.reload();
  await editor(page).getByText('nginx:alpine').waitFor();
  await page.getByRole('button', { name: 'Start over' }).click();
  await editor(page).getByText('nginx:alpine').waitFor({ state: 'detached' });
  expect(await page.getByRole('button', { name: 'Start over' }).count()).toBe(0);

  await editor(page).fill(FILE);
  const deploy = page.getByRole('button', { name: 'Deploy', exact: true });
  await deploy.and(page.locator(':not([aria-disabled=true]):not([disabled])')).click();
  await page.waitForURL(/\/deployments\//);
  await away(page);
  await back(page);
  expect(await page.getByRole('button', { name: 'Start over' }).count()).toBe(0);
  expect(await editor(page).getByText('nginx:alpine').count()).toBe(0);
  await me.expectClean();
});
