import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../support/web/browser.ts';
import { createStage, type Stage } from '../support/web/stage.ts';
import { type Visit, visit } from '../support/web/visit.ts';

/** GraphiQL from the server itself: nothing from elsewhere, subscriptions included. */
let stage: Stage;
let browser: Browser;
let visited: Visit;

beforeAll(async () => {
  [stage, browser] = await Promise.all([createStage({ agents: false }), openBrowser()]);
  await stage.enroll('vm1');
  visited = await visit(browser, `${stage.url}/#token=${stage.token}`);
  await visited.page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
});
afterAll(() => Promise.all([browser.close(), stage.close()]));

const run = () => visited.page.getByRole('button', { name: /^Execute query/ }).click();
/** The editor shows spaces as U+00A0. */
const response = async () =>
  ((await visited.page.locator('.graphiql-response').textContent()) ?? '').replaceAll('\u00a0', ' ');

it('knows the schema and runs the first example with the token of the page', async () => {
  const { page } = visited;
  await page.goto(`${stage.url}/graphql`);
  await page.getByText('Overview').first().waitFor();
  await run();
  await expect.poll(response, { timeout: 15_000 }).toContain('first admin');
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.locator('.graphiql-doc-explorer').getByText('Subscription', { exact: true }).waitFor();
  await visited.expectClean();
  await visited.shoot('playground');
});

it('shows what a subscription sends, now and on every change', async () => {
  const { page } = visited;
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
  await visited.expectClean();
});
