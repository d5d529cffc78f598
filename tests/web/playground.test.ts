import { beforeAll, beforeEach, expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

/** GraphiQL from the server itself: nothing from elsewhere, subscriptions included. */
const { stage, me, go } = useStage();

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
