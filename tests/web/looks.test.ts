import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../support/web/browser.ts';
import { createStage, type Stage } from '../support/web/stage.ts';
import { type Visit, visit } from '../support/web/visit.ts';

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');

let stage: Stage;
let browser: Browser;
let me: Visit;
let deploymentId: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([createStage({ agents: false }), openBrowser()]);
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.enroll(name);
  const { deployStack } = await stage.api<{ deployStack: { id: string } }>(
    'mutation ($text: String!) { deployStack(source: { jsonld: $text }) { id } }',
    { text: MULTIHOST },
  );
  deploymentId = deployStack.id;
});
afterEach(() => me.close());
afterAll(() => Promise.all([browser.close(), stage.close()]));

const SCREENS = [
  { name: 'stacks', path: () => '/', ready: '.stack-row' },
  { name: 'stack', path: () => '/stacks/nginx-multihost', ready: '.container-row' },
  { name: 'deploy', path: () => '/stacks/nginx-multihost/deploy', ready: '.cm-line' },
  { name: 'deployments', path: () => '/deployments', ready: '.deployment-row' },
  { name: 'deployment', path: () => `/deployments/${deploymentId}`, ready: '.task' },
  { name: 'agents', path: () => '/agents', ready: '.card' },
  { name: 'tokens', path: () => '/tokens', ready: '.token-row' },
  { name: 'missing', path: () => '/no/such/page', ready: '.empty' },
];

const LOOKS = [
  { look: 'light', options: { colorScheme: 'light' } },
  { look: 'dark', options: { colorScheme: 'dark' } },
  { look: 'phone', options: { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true } },
] as const;

describe.each(LOOKS)('$look', ({ look, options }) => {
  it.each(SCREENS)('$name', async ({ name, path, ready }) => {
    me = await visit(browser, `${stage.url}${path()}#token=${stage.token}`, options);
    await me.page.locator(ready).first().waitFor();
    expect(await me.page.title()).toMatch(/ · Graphium$/);
    expect(await me.page.evaluate('graphiumTest.getOverflowPx()')).toBe(0);
    const background = await me.page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(look === 'dark' ? 'rgb(15, 20, 22)' : 'rgb(245, 247, 247)');
    await me.expectAccessible();
    await me.shoot(`${name}-${look}`);
    await me.expectClean();
  });
});

it('stands still for those who ask for reduced motion', async () => {
  me = await visit(browser, `${stage.url}/deployments/${deploymentId}#token=${stage.token}`, {
    reducedMotion: 'reduce',
  });
  await me.page.locator('.task').first().waitFor();
  expect(await me.page.evaluate('document.getAnimations().length')).toBe(0);
});

it('is checked by checks that find what is wrong', async () => {
  me = await visit(browser, `${stage.url}/agents#token=${stage.token}`);
  await me.page.locator('.card').first().waitFor();
  await me.page.evaluate(`{
    const faint = Object.assign(document.createElement('p'), { textContent: 'faint' });
    faint.style.color = '#999';
    const nameless = document.createElement('input');
    const heading = Object.assign(document.createElement('h4'), { textContent: 'skips a level', id: 'content' });
    document.querySelector('main').append(faint, nameless, heading);
    const wide = document.createElement('div');
    wide.style.inlineSize = '3000px';
    wide.style.blockSize = '1px';
    document.body.append(wide);
  }`);
  expect(await me.page.evaluate('graphiumTest.findLowContrast()')).toHaveLength(1);
  expect(await me.page.evaluate('graphiumTest.findNameless()')).toHaveLength(1);
  expect(await me.page.evaluate('graphiumTest.findBroken()')).toHaveLength(2);
  expect(await me.page.evaluate('graphiumTest.getOverflowPx()')).toBeGreaterThan(1_000);
});
