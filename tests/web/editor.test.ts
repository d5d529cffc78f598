import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');
const SHOP = `# The shop.
name: shop
services:
  web:
    image: "nginx:\${TAG:-alpine}"
    ports: ["8080:80"]
    restart: unless-stopped
    environment:
      LEVEL: \${LEVEL}
      DB_PASSWORD: \${DB_PASSWORD:?give it}
`;

beforeAll(async () => {
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.puppet(name);
});

const editor = (page: Page): Locator => page.getByLabel('Stack file', { exact: true });
const plan = (page: Page) => page.getByRole('region', { name: 'Plan', exact: true });
const deploy = (page: Page) => plan(page).getByRole('button', { name: 'Deploy', exact: true });
const colourOf = (page: Page, text: string) =>
  editor(page)
    .getByText(text, { exact: true })
    .first()
    .evaluate((element) => getComputedStyle(element).color);

describe('the editor', () => {
  it('is fetched only where it is used, and breaks no policy', async () => {
    const page = await go('/');
    await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
    const scripts = () =>
      page.evaluate<string[]>("performance.getEntriesByType('resource').map((entry) => entry.name)");
    expect((await scripts()).filter((name) => name.includes('Editor'))).toEqual([]);
    await page.getByRole('button', { name: 'Deploy a stack' }).first().click();
    await editor(page).waitFor();
    expect((await scripts()).filter((name) => name.includes('CodeEditor'))).not.toEqual([]);
    expect(await page.locator('style').count()).toBe(0);
    await me.expectAccessible();
    await me.expectClean();
  });

  it.each(['light', 'dark'] as const)('colours Compose and JSON in %s', async (colorScheme) => {
    const page = await go('/deploy', { colorScheme });
    await editor(page).fill(SHOP);
    await page.getByRole('button', { name: 'Compose' }).and(page.locator('[aria-pressed=true]')).waitFor();
    const key = await colourOf(page, 'image');
    expect(key).toBe(colorScheme === 'light' ? 'rgb(11, 95, 90)' : 'rgb(111, 214, 200)');
    expect(await colourOf(page, '# The shop.')).not.toBe(key);
    await me.expectAccessible();
    await me.shoot(`editor-compose-${colorScheme}`);

    await editor(page).fill(MULTIHOST);
    await page.getByRole('button', { name: 'Graphium JSON-LD' }).and(page.locator('[aria-pressed=true]')).waitFor();
    expect(await colourOf(page, '"@type"')).toBe(key);
    await page.getByText('new revision 1').waitFor();
    await me.expectAccessible();
    await me.shoot(`editor-jsonld-${colorScheme}`);
    await me.expectClean();
  });

  it('fits a phone', async () => {
    const page = await go('/deploy', { viewport: { width: 390, height: 844 }, hasTouch: true });
    await editor(page).fill(SHOP);
    await page.getByLabel('Value of DB_PASSWORD', { exact: true }).fill('hunter2');
    await page.getByText('new revision 1').waitFor();
    expect(await page.evaluate('graphiumTest.getOverflowPx()')).toBe(0);
    expect(await page.locator('.cm-content').getAttribute('tabindex')).toBe('0');
    await me.expectAccessible();
    await me.shoot('editor-phone');
    await me.expectClean();
  });
});

describe('problems of a file', () => {
  it('are marked at their lines, and listed with a way there', async () => {
    const page = await go('/deploy');
    await editor(page).fill(SHOP.replace('restart: unless-stopped', 'restart: allways\n    priviledged: true'));
    await page.getByLabel('Value of DB_PASSWORD', { exact: true }).fill('hunter2');
    const first = page.getByRole('button', { name: /^7:\d+, go to line 7, column/ });
    const second = page.getByRole('button', { name: '8:5, go to line 8, column 5' });
    await first.waitFor();
    await second.waitFor();
    await page.locator('.cm-lint-marker-error').nth(1).waitFor();
    await page.locator('.cm-lintRange-error').nth(1).waitFor();
    expect(await deploy(page).getAttribute('title')).toBe('The stack file has problems.');
    await second.click();
    expect(await page.locator('.cm-activeLineGutter.cm-gutterElement').filter({ hasText: '8' }).count()).toBe(1);
    await me.expectAccessible();
    await me.shoot('editor-problems');

    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(SHOP);
    await page.getByText('new revision 1').waitFor();
    expect(await page.locator('.cm-lint-marker-error').count()).toBe(0);
    await me.expectClean();
  });

  it('are those of the format that is chosen, where the text does not say it', async () => {
    const page = await go('/deploy');
    await editor(page).fill('{ "name": "x" }');
    await page.getByRole('button', { name: 'Compose' }).click();
    await page.getByText('Name of the stack').waitFor();
    await page.getByRole('button', { name: 'Graphium JSON-LD' }).click();
    await page.getByText('Name of the stack').waitFor({ state: 'detached' });
    await page.getByRole('alert').first().waitFor();
    await me.expectClean();
  });

  it('are said before anything is sent when it is too large or not a text', async () => {
    const page = await go('/');
    await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
    await me.drop('large.json', ' '.repeat(2_000_000));
    await page.getByRole('dialog').getByText('a stack file may be at most').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Deploy a stack' }).first().click();
    const binary = { name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0xff, 0xfe]) };
    await page.locator('input[type=file]').setInputFiles(binary);
    await page.getByText('logo.png is not a text file').waitFor();
    await me.expectClean();
  });
});

describe('what stands beside the file', () => {
  it('is asked for as the file uses it, secrets hidden', async () => {
    const page = await go('/deploy');
    await editor(page).fill(SHOP.replace('name: shop', 'x-name: none'));
    const password = page.getByLabel('Value of DB_PASSWORD', { exact: true });
    await page.getByText('expected the name of the stack').first().waitFor();
    expect(await password.getAttribute('type')).toBe('password');
    expect(await password.getAttribute('placeholder')).toBe('required by the file');
    expect(await page.getByLabel('Value of TAG', { exact: true }).getAttribute('placeholder')).toBe('default: alpine');
    await page.getByText('give it').first().waitFor();
    await page.getByLabel('Name of the stack').fill('stall');
    await password.fill('hunter2');
    await page.getByRole('button', { name: 'Show Value of DB_PASSWORD' }).click();
    expect(await password.getAttribute('type')).toBe('text');
    await page.getByLabel('Value of TAG', { exact: true }).fill('1.27');
    await plan(page).getByText('stack stall').waitFor();
    await plan(page).getByText('nginx:1.27').first().waitFor();
    await me.expectAccessible();
    await me.expectClean();
  });

  it('can be a file that is dropped while one is writing', async () => {
    const page = await go('/deploy');
    await editor(page).fill('services: {}');
    await me.drop('nginx-multihost-stack.json', MULTIHOST);
    await page.getByText('nginx-multihost-stack.json').waitFor();
    await plan(page).getByText('stack nginx-multihost').waitFor();
    await editor(page).press('ControlOrMeta+z');
    await expect.poll(() => editor(page).textContent()).toBe('services: {}');
    await me.expectClean();
  });
});
