import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { createStage, type Stage } from './stage.ts';
import { type Visit, visit } from './visit.ts';

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');

let stage: Stage;
let browser: Browser;
let me: Visit;

beforeAll(async () => {
  [stage, browser] = await Promise.all([createStage({ agents: false }), openBrowser()]);
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.enrol(name);
});
afterEach(() => me.close());
afterAll(() => Promise.all([browser.close(), stage.close()]));

async function go(path: string, options?: Parameters<typeof visit>[2]): Promise<Page> {
  me = await visit(browser, `${stage.url}${path}#token=${stage.token}`, options);
  return me.page;
}

const selection = (page: Page) =>
  page.evaluate('((area) => area.value.slice(area.selectionStart, area.selectionEnd))(document.activeElement)');

describe('a file with problems', () => {
  it('lists each with line and column, and selects the line', async () => {
    const page = await go('/');
    await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
    const bad = MULTIHOST.replace('"restartPolicy"', '"privliged": true,\n          "restartPolicy"');
    const line = bad.split('\n').findIndex((each) => each.includes('privliged')) + 1;
    await me.drop('bad.json', bad);
    await page.getByRole('dialog').getByRole('button', { name: 'Deploy', exact: true }).click();
    const place = page.getByRole('dialog').getByRole('button', { name: `Go to line ${line}, column 11` });
    await place.waitFor();
    expect(await selection(page)).toBe('          "privliged": true,');
    await page.getByLabel('Stack file').press('ArrowUp');
    await place.click();
    expect(await selection(page)).toBe('          "privliged": true,');
    await me.expectAccessible();
    await me.shoot('deploy-problems');

    await page.getByLabel('Stack file').fill('{ "@graph": [');
    expect(await place.count()).toBe(0);
    await page.getByRole('dialog').getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await me.expectClean();
  });

  it('is refused before it is sent when it is too large or not a text', async () => {
    const page = await go('/');
    await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
    await me.drop('large.json', ' '.repeat(2_000_000));
    await page.getByRole('dialog').getByText('a stack file has at most').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Deploy a stack' }).first().click();
    const binary = { name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0xff, 0xfe]) };
    await page.locator('input[type=file]').setInputFiles(binary);
    await page.getByRole('dialog').getByText('logo.png is not a text file').waitFor();
    await me.expectClean();
  });
});

it('can be used by keyboard alone, from the first tab to a cancelled deployment', async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toContain('Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toContain('Deploy a stack');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Deploy a stack' });
  await dialog.waitFor();
  expect(await page.evaluate('document.activeElement.tagName')).toBe('TEXTAREA');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.evaluate('document.activeElement.textContent')).toContain('Deploy a stack');

  await page.keyboard.press('Enter');
  await page.keyboard.insertText(MULTIHOST);
  for (let presses = 0; presses < 12; presses++) {
    expect(
      await page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")'),
    ).toBe(true);
    if ((await page.evaluate('document.activeElement.textContent')) === 'Deploy') break;
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/deployments\/./);

  await page
    .getByText(/offline/)
    .first()
    .waitFor();
  await me.expectAccessible();
  await me.shoot('deployment-waiting');
  const cancel = page.getByRole('button', { name: 'Cancel deployment' });
  await cancel.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.summary .badge', { hasText: 'Cancelled' }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  await me.expectClean();
});
