import { expect, it } from 'vitest';
import type { TaskUpdate } from '../../agent/base/outcome.ts';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, fail, specOf } = host;
const pull = (image: string, policy: 'missing' | 'always' = 'missing') => ({ version: 1, image, policy });

it('pulls an image that is missing, and shows the bytes of every layer', async () => {
  const { big } = host.images;
  await host.removeImage(big);
  const updates: TaskUpdate[] = [];
  const update = (update: TaskUpdate) => void updates.push(update);
  expect(await run('PULL', pull(big), { update })).toMatchObject({ status: 'COMPLETED', result: { action: 'pulled' } });
  expect(await engine.hasImage(big)).toBe(true);
  const shown = updates.flatMap(({ phase, progress }) => (phase === 'PULLING' && progress ? [progress] : []));
  const last = shown.at(-1);
  expect(last?.layers?.length).toBeGreaterThan(1);
  expect(last?.totalBytes).toBeGreaterThan(1_000_000);
  expect(last?.currentBytes).toBe(last?.totalBytes);
  expect(shown.some(({ currentBytes = 0, totalBytes = 0 }) => currentBytes > 0 && currentBytes < totalBytes)).toBe(
    true,
  );
  expect(await run('PULL', pull(big))).toMatchObject({ result: { action: 'present' } });
});

it('asks the registry again when told always', async () => {
  await up('PULL', pull(host.images.busybox));
  expect(await run('PULL', pull(host.images.busybox, 'always'))).toMatchObject({ result: { action: 'pulled' } });
});

it('stops when cancelled', async () => {
  const { big } = host.images;
  await host.removeImage(big);
  const abort = new AbortController();
  const update = ({ progress }: TaskUpdate) => progress && abort.abort('cancelled');
  expect(await run('PULL', pull(big), { update, cancel: abort.signal })).toMatchObject({ status: 'CANCELLED' });
});

it('says that a registry cannot be reached, and that trying again may help', async () => {
  expect(await fail('PULL', pull('localhost:1/none:1'))).toMatchObject({ code: 'PULL_FAILED', retryable: true });
});

it.each(['UPPER', 'a b', ''])('refuses %j as the name of an image', async (image) => {
  const failure = await fail('PULL', pull(image));
  expect(['IMAGE_NOT_FOUND', 'SPEC_UNSUPPORTED']).toContain(failure.code);
  expect(failure.retryable).toBe(false);
});

it('refuses a registry that the policy does not list', async () => {
  const policy = parsePolicy({ registries: ['registry.example'] });
  expect(await fail('PULL', pull(host.images.busybox), { policy })).toMatchObject({ code: 'POLICY_DENIED' });
});

it('pulls what a DEPLOY lacks', async () => {
  const { big } = host.images;
  await host.removeImage(big);
  const phases = new Set<string>();
  await up('DEPLOY', specOf({ image: big, command: null }), { update: ({ phase }) => phases.add(phase) });
  expect(phases).toContain('PULLING');
});
