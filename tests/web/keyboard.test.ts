import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');

beforeAll(async () => {
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.enroll(name);
});

const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent');

async function tabTo(page: Page, text: string, most: number): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    if ((await focused(page)) === text) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`"${text}" was not reached with ${most} presses of Tab`);
}

it('can be used by keyboard alone, from the first tab to a cancelled deployment', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  expect(await focused(page)).toContain('Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await focused(page)).toContain('Deploy a stack');
  await page.keyboard.press('Enter');
  await page.getByLabel('Stack file', { exact: true }).waitFor();

  for (let presses = 0; presses < 12; presses++) {
    if (await page.evaluate('document.activeElement.className === "code-editor"')) break;
    await page.keyboard.press('Tab');
  }
  await page.keyboard.insertText(MULTIHOST);
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.locator('.plan-summary').waitFor();
  await page.getByRole('button', { name: 'Deploy', exact: true }).and(page.locator(':not([aria-disabled])')).waitFor();
  await tabTo(page, 'Deploy', 12);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/deployments\/./);

  await page
    .getByText(/offline/)
    .first()
    .waitFor();
  await me.expectAccessible();
  await me.shoot('deployment-waiting');
  await page.getByRole('button', { name: 'Cancel deployment' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.summary .badge', { hasText: 'Cancelled' }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  await me.expectClean();
});
