import { previousName } from '../decide/decision.ts';
import type { TaskContext } from './context.ts';
import { policyDenied } from './policy-denied.ts';

/**
 * Refuses a further container where the policy bounds their number. Replacing one counts as none. Containers that are made
 * at the same moment do not see one another, so there may be as many more as the agent has slots.
 * @throws TaskError POLICY_DENIED
 */
export async function checkCount(name: string, { engine, policy }: TaskContext): Promise<void> {
  const { maxContainers } = policy;
  if (maxContainers === undefined) return;
  const own = new Set([`/${name}`, `/${previousName(name)}`]);
  const there = await engine.listContainers(['graphium.cluster']);
  const isOwn = there.some(({ Names: names }) => (names ?? []).some((one) => own.has(one)));
  if (isOwn || there.length < maxContainers) return;
  throw policyDenied([`maxContainers is ${maxContainers}, and this host has ${there.length} others of Graphium's`]);
}
