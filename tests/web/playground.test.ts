import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

/** GraphiQL from the server itself: nothing from elsewhere, subscriptions included. */
const { stage, me, go, open } = useStage();

beforeAll(async () => {
  await stage.enroll('vm1');
});
beforeEach(async () => {
  const page = await go('/');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
});

const run = () => me.page.getByRole('button', { name: /^Execute query/ }).click();
/** The editor shows spaces as U+00A0. */
const response = async () =>
  ((await me.page.locator('.graphiql-response').textContent()) ?? '').replaceAll('\u00a0', ' ');

it('knows the schema and runs the first example with the token of the page', async () => {
  const { page } = me;
  await page.goto(`${stage.url}/graphql`);
  await page.getByText('Overview').first().waitFor();
  await run();
  await expect.poll(response, { timeout: 15_000 }).toContain('first admin');
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.locator('.graphiql-doc-explorer').getByText('Subscription', { exact: true }).waitFor();
  await me.expectClean();
  await me.shoot('playground');
});

it('shows what a subscription sends, now and on every change', async () => {
  const { page } = me;
  await page.goto(`${stage.url}/graphql?query=${encodeURIComponent('subscription { stacks { name state } }')}`);
  await page.getByText('subscription').first().waitFor();
  await run();
  await expect.poll(response, { timeout: 15_000 }).toContain('"stacks": []');
  const file = JSON.stringify({
    '@type': 'Stack',
    name: 'seen-live',
    locatedInHost: 'vm1',
    hasPart: [{ name: 'a1', image: 'nginx:alpine' }],
  });
  await stage.api('mutation ($file: String!) { deployStack(source: { jsonld: $file }) { id } }', { file });
  await expect.poll(response, { timeout: 15_000 }).toContain('seen-live');
  await me.expectClean();
});

/** What came over the wire for the document that is open: its own bytes and those of its files, workers included. */
const transferred = (page: Page) =>
  page.evaluate<number>(
    `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter((entry) => entry.initiatorType !== 'fetch')
      .reduce((sum, entry) => sum + entry.transferSize, 0)`,
  );

it('is transferred compressed, and once: who comes back waits for a few kilobytes', async () => {
  const { page } = await open('/graphql');
  const workers = () => page.workers().map((worker) => new URL(worker.url()).pathname.slice(0, 19));
  await expect.poll(workers, { timeout: 15_000 }).toContain('/assets/playground-');
  await page.locator('.graphiql-execute-button').waitFor();
  const first = await transferred(page);
  await page.reload();
  await page.locator('.graphiql-execute-button').waitFor();
  await expect.poll(workers, { timeout: 15_000 }).toContain('/assets/playground-');
  const second = await transferred(page);
  console.log(`the playground: ${first} bytes at the first visit, ${second} at the second`);
  expect(first).toBeLessThan(2_300_000);
  expect(second).toBeLessThan(20_000);
  await me.expectClean();

  const headers = { accept: 'text/html', 'accept-encoding': 'br' };
  const document = await fetch(`${stage.url}/graphql`, { headers });
  expect(document.headers.get('content-security-policy')).toMatch(/script-src 'self';.*worker-src 'self'/);
  const html = await document.text();
  expect(html.length).toBeLessThan(10_000);
  const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  expect(files).toHaveLength(2);
  for (const path of files) {
    const file = await fetch(`${stage.url}${path}`, { headers });
    expect(file.headers.get('content-encoding')).toBe('br');
    expect(file.headers.get('cache-control')).toContain('immutable');
    expect(Number(file.headers.get('content-length'))).toBeLessThan(1_500_000);
    await file.body?.cancel();
  }
});

it('opens the tabs of the last visit, and no empty one beside them', async () => {
  const { page } = me;
  await page.goto(`${stage.url}/graphql`);
  const tabs = page.getByRole('tablist', { name: 'Select active operation' }).getByRole('tab');
  await tabs.first().waitFor();
  const names = async () => (await tabs.allTextContents()).map((text) => text.trim());
  const before = await names();
  expect(before.length).toBeGreaterThan(2);
  for (const visited of [0, 2]) {
    await tabs.nth(visited).click();
    await page.waitForTimeout(1_000);
    await page.reload();
    await tabs.first().waitFor();
    expect(await names()).toEqual(before);
    expect(await tabs.nth(visited).getAttribute('aria-selected')).toBe('true');
  }
  await me.expectClean();
});
