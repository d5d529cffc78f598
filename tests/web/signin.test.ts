import { expect, it } from 'vitest';
import { useStage } from '../support/web/use-stage.ts';

const { stage, open } = useStage();

it('refuses a wrong token with a reason, takes a right one, and forgets it on sign-out', async () => {
  const { page, expectAccessible, shoot } = await open('/');
  // Whoever opens the page can paste the token at once.
  await page.locator('input[type=password]:focus').waitFor();
  await page.keyboard.type('gph_user_0_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This token is not valid').waitFor();
  await expectAccessible();
  await shoot('signin-refused');

  await page.getByLabel('Access token').fill(stage.token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();

  await page.reload();
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Access token').waitFor();
  expect(await page.evaluate('localStorage.length')).toBe(0);
});

it('takes the token of the link, and leaves it neither in the address nor in the history', async () => {
  const { page, expectClean } = await open(`/agents#token=${stage.token}`);
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  expect(page.url()).toBe(`${stage.url}/agents`);
  await page.getByRole('link', { name: 'Stacks', exact: true }).click();
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  expect(page.url()).toBe(`${stage.url}/agents`);
  await expectClean();
});

it('shows a viewer everything and lets him change nothing', async () => {
  const token = await stage.createToken('onlooker', 'VIEWER');
  const { page, expectAccessible, expectClean, drop } = await open(`/#token=${token}`);
  const deploy = page.getByRole('button', { name: 'Deploy a stack' }).first();
  await deploy.waitFor();
  expect(await deploy.getAttribute('aria-disabled')).toBe('true');
  expect(await deploy.getAttribute('title')).toContain('Needs the role Operator');
  await deploy.click({ force: true });
  expect(await page.getByRole('dialog').count()).toBe(0);
  await drop('stack.json', '{}');
  await page.getByRole('dialog').getByText('Needs the role Operator').waitFor();
  await page.keyboard.press('Escape');

  expect(await page.getByRole('link', { name: 'Tokens' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Agents' }).click();
  const add = page.getByRole('button', { name: 'Add an agent' }).first();
  expect(await add.getAttribute('title')).toContain('Needs the role Admin');
  await expectAccessible();
  await expectClean();
});

it('signs out whoever holds a token that is revoked', async () => {
  const token = await stage.createToken('leaver', 'OPERATOR');
  const { page } = await open(`/#token=${token}`);
  await page.getByRole('heading', { name: 'Stacks', level: 1 }).waitFor();
  const admin = await open(`/tokens#token=${stage.token}`);
  await admin.page.getByRole('button', { name: 'Revoke leaver' }).click();
  await admin.page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
  await admin.page.getByText('Token leaver was revoked.').waitFor();
  await page.getByText('Your token is no longer valid').waitFor();
  await page.getByLabel('Access token').waitFor();
  await admin.expectClean();
});

it('asks before a link replaces who is signed in', async () => {
  const other = await stage.createToken('somebody else', 'VIEWER');
  const { page, expectClean } = await open(`/#token=${stage.token}`);
  await page.getByText('first admin').waitFor();
  const follow = async (answer: 'accept' | 'dismiss') => {
    page.once('dialog', (dialog) => void dialog[answer]());
    await page.evaluate((token) => {
      window.location.hash = `token=${token}`;
    }, other);
  };
  await follow('dismiss');
  await expect.poll(() => new URL(page.url()).hash).toBe('');
  await page.getByText('first admin').waitFor();
  await follow('accept');
  await page.getByText('somebody else').waitFor();
  await expectClean();
});
