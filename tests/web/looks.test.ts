import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, go } = useStage();

const MULTIHOST = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'nginx-multihost-stack.json'), 'utf8');

let deploymentId: string;

beforeAll(async () => {
  for (const name of ['localhost-docker', 'vm1', 'vm2']) await stage.enroll(name);
  const { deployStack } = await stage.api<{ deployStack: { id: string } }>(
    'mutation ($text: String!) { deployStack(source: { jsonld: $text }) { id } }',
    { text: MULTIHOST },
  );
  deploymentId = deployStack.id;
});

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
    await go(path(), options);
    await me.page.locator(ready).first().waitFor();
    expect(await me.page.title()).toMatch(/ · Graphium$/);
    expect(await me.page.evaluate('graphiumTest.getOverflowPx()')).toBe(0);
    const background = await me.page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(look === 'dark' ? 'rgb(15, 20, 22)' : 'rgb(245, 247, 247)');
    await me.expectAccessible();
    await me.shoot(`${name}-${look}`);
    await me.expectClean({ missing: name === 'missing' });
  });
});

it('stands still for those who ask for reduced motion', async () => {
  await go(`/deployments/${deploymentId}`, { reducedMotion: 'reduce' });
  await me.page.locator('.task').first().waitFor();
  expect(await me.page.evaluate('document.getAnimations().length')).toBe(0);
});

it('is checked by checks that find what is wrong', async () => {
  await go('/agents');
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
