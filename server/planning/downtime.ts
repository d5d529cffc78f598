import type { RolloutSpec, StackSpec } from '../spec/spec.ts';
import { type Change, containerKey } from './changes.ts';
import { rolloutOf } from './planned-task.ts';

/** Pure: whether a service will be without a running container for a while, and why. */
export type Downtime = { service: string; expected: boolean; reason: string };

/**
 * Returns one entry for each service of which something changes.
 * @param stopped containers, by `containerKey`, that are stopped before any other is changed
 */
export function downtimeOf(
  spec: StackSpec,
  changes: readonly Change[],
  isRollback: boolean,
  stopped: ReadonlySet<string>,
): Downtime[] {
  const byService = Map.groupBy(changes, ({ placed }) => placed?.service.name);
  return spec.services.flatMap((service) => {
    const own = byService.get(service.name) ?? [];
    if (own.every(({ action }) => action === 'NOOP')) return [];
    return [{ service: service.name, ...judge(own, rolloutOf(service, isRollback), stopped) }];
  });
}

function judge(
  own: readonly Change[],
  rollout: RolloutSpec | undefined,
  stopped: ReadonlySet<string>,
): Omit<Downtime, 'service'> {
  const running = own.filter(({ observed }) => observed?.state === 'RUNNING');
  const count = (...actions: string[]) => running.filter(({ action }) => actions.includes(action)).length;
  if (running.length === 0) return { expected: false, reason: 'nothing of it runs now' };
  const ended = count('STOP', 'REMOVE');
  if (ended > 0) {
    return ended < running.length
      ? { expected: false, reason: 'others of its containers run on' }
      : { expected: true, reason: 'its containers are stopped' };
  }
  const replaced = count('REPLACE');
  const stoppedFirst = running.filter(({ agentId, containerName }) =>
    stopped.has(containerKey(agentId, containerName)),
  ).length;
  const interrupted = count('RESTART') + (rollout?.order === 'start-first' ? stoppedFirst : replaced);
  if (interrupted === 0) {
    const reason = replaced > 0 ? 'each new container is good before the old one stops' : 'nothing of it is stopped';
    return { expected: false, reason };
  }
  const atOnce = Math.max(stoppedFirst, Math.min(rollout?.parallelism || interrupted, interrupted));
  if (atOnce < running.length) {
    return { expected: false, reason: `${atOnce} of its ${running.length} containers at a time` };
  }
  const what = running.length === 1 ? 'its container is' : `its ${running.length} containers are`;
  return { expected: true, reason: `${what} stopped before the successor starts` };
}
