import type { StackSpec } from '../stacks/spec.ts';
import type { Change } from './changes.ts';
import { rolloutOf } from './planned-task.ts';

/** Pure: whether a service is to be without a running container for a while, and why. */
export type Downtime = { service: string; expected: boolean; reason: string };

/** One entry for each service of which something changes. */
export function downtimeOf(spec: StackSpec, changes: readonly Change[], back: boolean): Downtime[] {
  const byService = Map.groupBy(changes, ({ placed }) => placed?.service.name);
  return spec.services.flatMap((service) => {
    const own = byService.get(service.name) ?? [];
    const rollout = rolloutOf(service, back);
    const verdict = judge(own, rollout?.order === 'start-first', rollout?.parallelism ?? 0);
    return verdict ? [{ service: service.name, ...verdict }] : [];
  });
}

function judge(
  own: readonly Change[],
  startFirst: boolean,
  parallelism: number,
): Omit<Downtime, 'service'> | undefined {
  const count = (...actions: string[]) => own.filter(({ action }) => actions.includes(action)).length;
  const ended = count('STOP', 'REMOVE');
  if (ended > 0) {
    return ended < own.length
      ? { expected: false, reason: 'others of its containers run on' }
      : { expected: true, reason: 'its containers are stopped' };
  }
  const replaced = count('REPLACE');
  const interrupted = count('RESTART') + (startFirst ? 0 : replaced);
  if (interrupted === 0) {
    if (replaced > 0) return { expected: false, reason: 'each new container is good before the old one stops' };
    return count('CREATE', 'START') > 0 ? { expected: false, reason: 'nothing of it is stopped' } : undefined;
  }
  const atOnce = parallelism === 0 ? interrupted : Math.min(parallelism, interrupted);
  if (atOnce < own.length) {
    return { expected: false, reason: `${atOnce} of its ${own.length} containers at a time` };
  }
  const what = own.length === 1 ? 'its container is' : `its ${own.length} containers are`;
  return { expected: true, reason: `${what} stopped before the successor starts` };
}
