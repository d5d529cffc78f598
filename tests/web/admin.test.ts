import { expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, me, open, go } = useStage();

/** The name has dots, and still its address must not look like that of a file. */
const STACK = {
  '@context': 'https://schema.org',
  '@graph': [
    {
      '@id': 'stack:shop',
      '@type': 'datacenter:Stack',
      name: 'shop.example.com',
      hasPart: [{ '@id': 'container:web', name: 'web', image: 'nginx:alpine', locatedInHost: { '@id': 'cellar' } }],
    },
  ],
};

it('shows a new token once, and it works', async () => {
  const page = await go('/tokens');
  await page.getByRole('button', { name: 'Create a token' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create a token' });
  const create = dialog.getByRole('button', { name: 'Create', exact: true });
  expect(await create.getAttribute('title')).toBe('Give it a name first.');
  await dialog.getByLabel('Name').fill('pipeline');
  await dialog.getByLabel('Role').selectOption('Viewer');
  await dialog.getByLabel('Expires after').selectOption('7 days');
  await me.expectAccessible();
  await create.click();
  const secret = (await dialog.locator('.secret-text').textContent()) ?? '';
  expect(secret).toMatch(/^gph_user_/);
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  const row = page.locator('.token-row', { hasText: 'pipeline' });
  await row.getByText('User · Viewer').waitFor();
  await row.getByText('expires in 7 d').waitFor();
  expect(await page.content()).not.toContain(secret);
  await me.expectClean();

  const other = await open(`/#token=${secret}`);
  await other.page.locator('.who-name', { hasText: 'pipeline' }).waitFor();
});

it('removes an agent that is in use only by force', async () => {
  await stage.enroll('cellar');
  await stage.api('mutation ($text: String!) { deployStack(source: { jsonld: $text }) { id } }', {
    text: JSON.stringify(STACK),
  });
  const page = await go('/agents');
  await page.getByRole('button', { name: 'Remove cellar' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove agent cellar?' });
  await dialog.getByRole('button', { name: 'Remove agent' }).click();
  await dialog.getByText('CONFLICT').waitFor();
  await me.expectAccessible();
  await dialog.getByLabel('Remove it anyway').check();
  await dialog.getByRole('button', { name: 'Remove anyway' }).click();
  await page.getByText('Agent cellar was removed.').waitFor();
  await page.getByText('No agents yet').waitFor();
  await me.expectClean();
});

it('changes the labels of an agent, and says of the command that its address is loopback', async () => {
  await stage.enroll('labelled');
  const page = await go('/agents');
  await page.getByRole('button', { name: 'Edit labels of labelled' }).click();
  const dialog = page.getByRole('dialog', { name: 'Labels of labelled' });
  await dialog.getByLabel('Labels').fill('zone');
  await dialog.getByText('Line 1: write a label as key=value.').first().waitFor();
  await dialog.getByLabel('Labels').fill('zone=eu-1\ndisk=ssd');
  await me.expectAccessible();
  await dialog.getByRole('button', { name: 'Save labels' }).click();
  await page.getByText('Labels of labelled were changed.').waitFor();
  await page.getByRole('listitem', { name: 'Agent labelled' }).getByText('disk=ssd').waitFor();
  await page.getByRole('button', { name: 'Add an agent' }).click();
  await page.getByRole('button', { name: 'Create the command' }).click();
  await page.getByText('127.0.0.1 is this machine alone').waitFor();
  await page.keyboard.press('Escape');
  await stage.api('mutation { removeAgent(name: "labelled") { id } }');
  await me.expectClean();
});

it('opens a stack whose name has dots by its address', async () => {
  const page = await go('/');
  await page.getByRole('link', { name: 'shop.example.com' }).click();
  await page.getByRole('heading', { name: 'shop.example.com' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'shop.example.com' }).waitFor();
  await me.expectClean();
});
