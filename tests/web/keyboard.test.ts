import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../support/web/browser.ts';
import { createStage, type Stage } from '../support/web/stage.ts';
import { type Visit, visit } from '../support/web/visit.ts';

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');

let stage: Stage;
let browser: Browser;
let me: Visit;

beforeAll(async () => {
  [stage, browser] = await Promise.all([createStage({ agents: false }), openBrowser()]);
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.enroll(name);
});
afterEach(() => me.close());
afterAll(() => Promise.all([browser.close(), stage.close()]));

const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent');

async function tabTo(page: Page, text: string, most: number): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    if ((await focused(page)) === text) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`"${text}" was not reached with ${most} presses of Tab`);
}

it('can be used by keyboard alone, from the first tab to a cancelled deployment', async () => {
  me = await visit(browser, `${stage.url}/#token=${stage.token}`);
  const { page } = me;
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
