import { PREVIOUS_SUFFIX } from '../spec/names.ts';
import type { ContainerSpec } from '../spec/spec.ts';
import type { Placed } from './placement.ts';

/** Pure: what has to become of each container, from what is wanted and what was last observed. */
export type Action = 'NOOP' | 'CREATE' | 'REPLACE' | 'START' | 'STOP' | 'RESTART' | 'REMOVE';

/** A container as its agent last reported it. */
export type Observed = {
  agentId: string;
  name: string;
  specHash: string;
  revision: number;
  image: string;
  state: 'CREATED' | 'RUNNING' | 'PAUSED' | 'RESTARTING' | 'REMOVING' | 'EXITED' | 'DEAD';
  health: 'NONE' | 'STARTING' | 'HEALTHY' | 'UNHEALTHY';
  exitCode: number | null;
  ports: readonly { hostIp?: string | null | undefined; hostPort?: number | null | undefined; protocol: string }[];
};

export type Change = {
  agentId: string;
  containerName: string;
  action: Action;
  /** In words, for a person. */
  reason: string;
  /** It gets a task all the same: what it is can be said only by looking. */
  watched: boolean;
  /** null: to be removed. */
  placed: Placed | null;
  specHash: string | null;
  observed: Observed | null;
};

export type Scene = {
  /** By `containerKey`. */
  observed: ReadonlyMap<string, Observed>;
  /**
   * Containers that unfinished tasks have begun to change, so that what was observed may not be so any more, each with the
   * specs that these tasks make it to; null: they make none, undefined: nobody knows.
   */
  inWork: ReadonlyMap<string, readonly (string | null | undefined)[]>;
  /** Those that a task of ours was the last to stop, or to work on in vain: that such a container ended is not its own doing. */
  stopped: ReadonlySet<string>;
  /** Unhealthy and crashing containers are restarted, not only watched. */
  repair: boolean;
};

export const containerKey = (agentId: string, name: string) => `${agentId}:${name}`;

/** The agent keeps the old container under this name while it replaces it, and deals with it itself. */
export const keptKey = (key: string) => key + PREVIOUS_SUFFIX;
export const withoutKept = (name: string) =>
  name.endsWith(PREVIOUS_SUFFIX) ? name.slice(0, -PREVIOUS_SUFFIX.length) : name;

export function changeOf(placed: Placed, specHash: string, scene: Scene): Change {
  const { agentId, container } = placed;
  const key = containerKey(agentId, container.name);
  const observed = scene.observed.get(key) ?? null;
  const base = { agentId, containerName: container.name, placed, specHash, observed, watched: false };
  if (observed === null) return { ...base, action: 'CREATE', reason: 'it is not there' };
  if (observed.specHash !== specHash) return { ...base, action: 'REPLACE', reason: 'its spec changed' };
  const verdict = scene.inWork.has(key)
    ? watch('a task that has not finished works on it')
    : keep(container, observed, { repair: scene.repair, isStopped: scene.stopped.has(key) });
  const mayBeOld = verdict.action === 'NOOP' && container.pullPolicy === 'always';
  const { action, reason, watched } = mayBeOld
    ? watch('replaced if the registry has another image under its name')
    : verdict;
  if (action === 'NOOP' && scene.observed.has(keptKey(key))) {
    return { ...base, ...watch('its replacement was interrupted and is finished') };
  }
  return { ...base, action, reason, watched };
}

type Verdict = Pick<Change, 'action' | 'reason' | 'watched'>;
const watch = (reason: string): Verdict => ({ action: 'NOOP', reason, watched: true });
const act = (action: Action, reason: string): Verdict => ({ action, reason, watched: false });

/** The spec is the same. */
function keep(
  container: ContainerSpec,
  { state, health, exitCode }: Observed,
  { repair, isStopped }: { repair: boolean; isStopped: boolean },
): Verdict {
  switch (state) {
    case 'RUNNING':
      if (health === 'UNHEALTHY') {
        return repair ? act('RESTART', 'it is unhealthy') : watch('it is unhealthy; it is given the time to recover');
      }
      if (health === 'STARTING') return watch('it runs; its health check gave no verdict yet');
      return act('NOOP', 'it runs as it should');
    case 'EXITED':
      if (isStopped) return act('START', 'it was stopped');
      if (exitCode === 0 && mayEnd(container)) return act('NOOP', 'it ran to its end');
      return act('START', `it ended with exit code ${exitCode ?? 'unknown'}`);
    case 'RESTARTING':
      return repair ? act('RESTART', 'it ends again and again') : watch('it ends again and again');
    case 'PAUSED':
      return act('START', 'it is paused');
    case 'CREATED':
      return act('START', 'it was never started');
    case 'REMOVING':
    case 'DEAD':
      return act('CREATE', 'it is being removed');
  }
}

export const mayEnd = ({ restart }: ContainerSpec) => restart.name === 'no' || restart.name === 'on-failure';

/** Containers of the stack that are or may be there and that its revision does not want, or not on that host. */
export function unwanted(placed: readonly Placed[], { observed, inWork }: Scene): Change[] {
  const wanted = new Set(placed.map(({ agentId, container }) => containerKey(agentId, container.name)));
  const there = [...new Set([...inWork.keys(), ...observed.keys()])].toSorted();
  return there.flatMap((key) => {
    const row = observed.get(key) ?? null;
    const agentId = key.slice(0, key.indexOf(':'));
    const name = key.slice(agentId.length + 1);
    if (wanted.has(containerKey(agentId, withoutKept(name)))) return [];
    const reason = 'this revision does not want it there';
    const rest = { watched: false, placed: null, specHash: null, observed: row };
    return [{ agentId, containerName: name, action: 'REMOVE' as const, reason, ...rest }];
  });
}
