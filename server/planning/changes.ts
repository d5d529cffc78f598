import { PREVIOUS_SUFFIX } from '../spec/names.ts';
import type { ContainerSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/** Pure: what has to become of each container, from what is wanted and what was last observed. */
export type Action = 'NOOP' | 'CREATE' | 'REPLACE' | 'START' | 'STOP' | 'RESTART' | 'REMOVE';

/** A container as its agent last reported it. */
export type Observed = {
  agentId: string;
  name: string;
  service?: string;
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
  /** For people. */
  reason: string;
  /** It gets a task although nothing is known to be wrong: only a look at the host can tell. */
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
   * Containers that unfinished tasks have begun to change, so that they may no longer be as they were observed, each with
   * the specs that these tasks give it; null: a task gives it none, undefined: nobody knows.
   */
  inWork: ReadonlyMap<string, readonly (string | null | undefined)[]>;
  /** Containers that a task was the last to stop, or to work on in vain: that they ended is not their own doing. */
  stopped: ReadonlySet<string>;
  /** Services that others wait for until they have ended: jobs by what the file says. */
  awaited: ReadonlySet<string>;
  /** Agents whose last report may be long ago: only a look at the host can tell what is there. */
  unseen: ReadonlySet<string>;
  /** If true, unhealthy and crashing containers are restarted and not only watched. */
  repair: boolean;
};

export const containerKey = (agentId: string, name: string) => `${agentId}:${name}`;

/** While the agent replaces a container it keeps the previous one under this name, and deals with it itself. */
export const previousKey = (key: string) => key + PREVIOUS_SUFFIX;
export const withoutPrevious = (name: string) =>
  name.endsWith(PREVIOUS_SUFFIX) ? name.slice(0, -PREVIOUS_SUFFIX.length) : name;

/** What stands for a container among those that may be removed, whether or not it is being replaced. */
export const orphanKey = (agentId: string, name: string) => containerKey(agentId, withoutPrevious(name));

export function changeOf(placed: Placed, specHash: string, scene: Scene): Change {
  const { agentId, container } = placed;
  const key = containerKey(agentId, container.name);
  const observed = scene.observed.get(key) ?? null;
  const base = { agentId, containerName: container.name, placed, specHash, observed, watched: false };
  if (observed === null) return { ...base, action: 'CREATE', reason: 'it is not there' };
  if (observed.specHash !== specHash) return { ...base, action: 'REPLACE', reason: 'its spec changed' };
  const verdict = scene.inWork.has(key)
    ? watch('a task that has not finished works on it')
    : keep(placed, observed, scene);
  const mayBeOld = verdict.action === 'NOOP' && container.pullPolicy === 'always';
  const { action, reason, watched } = mayBeOld
    ? watch('replaced if the registry has another image under its name')
    : verdict.action === 'NOOP' && scene.unseen.has(agentId)
      ? watch('its host is offline: its agent looks at it when it is back')
      : verdict;
  if (action === 'NOOP' && scene.observed.has(previousKey(key))) {
    return { ...base, ...watch('its replacement was interrupted and is finished') };
  }
  return { ...base, action, reason, watched };
}

type Verdict = Pick<Change, 'action' | 'reason' | 'watched'>;
const watch = (reason: string): Verdict => ({ action: 'NOOP', reason, watched: true });
const act = (action: Action, reason: string): Verdict => ({ action, reason, watched: false });

/** What becomes of a container whose spec is as wanted. */
function keep(placed: Placed, observed: Observed, { repair, stopped, awaited }: Scene): Verdict {
  const isStopped = stopped.has(containerKey(observed.agentId, observed.name));
  switch (observed.state) {
    case 'RUNNING':
      return keepRunning(observed, repair);
    case 'EXITED':
      return keepExited(observed, isStopped, isJob(placed, awaited));
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

function keepRunning({ health }: Observed, repair: boolean): Verdict {
  if (health === 'STARTING') return watch('it runs; its health check gave no verdict yet');
  if (health !== 'UNHEALTHY') return act('NOOP', 'it runs as it should');
  return repair ? act('RESTART', 'it is unhealthy') : watch('it is unhealthy; it is given the time to recover');
}

function keepExited({ exitCode }: Observed, isStopped: boolean, isJob: boolean): Verdict {
  if (isStopped) return act('START', 'it was stopped');
  if (exitCode === 0 && isJob) return act('NOOP', 'it ran to its end');
  return act('START', `it ended with exit code ${exitCode ?? 'unknown'}`);
}

export const mayEnd = ({ restart }: ContainerSpec) => restart.name === 'no' || restart.name === 'on-failure';

/**
 * Whether a container that ended with 0 is done. "no" is Compose's default policy, so that it says little: who publishes a
 * port or has a health check is there to serve, unless others wait for its very end.
 */
export function isJob(
  { service, container }: Pick<Placed, 'service' | 'container'>,
  awaited: ReadonlySet<string>,
): boolean {
  if (!mayEnd(container)) return false;
  if (awaited.has(service.name)) return true;
  return container.healthCheck == null && container.ports.every(({ hostPort }) => hostPort == null);
}

export const hasEndedWell = ({ state, exitCode }: Pick<Observed, 'state' | 'exitCode'>): boolean =>
  state === 'EXITED' && exitCode === 0;

export type LastStopped = { agentId: string; name: string; onPurpose: boolean };

/**
 * The keys of the containers that did not end by themselves. A job that others wait for is not run again because a newer one
 * failed: the migration before it was done.
 */
export function stoppedAmong(
  placed: readonly Pick<Placed, 'agentId' | 'service' | 'container'>[],
  awaited: ReadonlySet<string>,
  stopped: readonly LastStopped[],
): ReadonlySet<string> {
  const jobs = new Set(
    placed
      .filter(({ service }) => awaited.has(service.name))
      .map(({ agentId, container }) => containerKey(agentId, container.name)),
  );
  const keyOf = ({ agentId, name }: LastStopped) => containerKey(agentId, name);
  return new Set(stopped.filter((one) => one.onPurpose || !jobs.has(keyOf(one))).map(keyOf));
}

/** Returns the removals of containers that are or may be there although the revision does not want them on that host. */
export function findOrphans(placed: readonly Placed[], { observed, inWork }: Scene): Change[] {
  const wanted = new Set(placed.map(({ agentId, container }) => containerKey(agentId, container.name)));
  const there = [...new Set([...inWork.keys(), ...observed.keys()])].toSorted();
  return there.flatMap((key) => {
    const row = observed.get(key) ?? null;
    const agentId = key.slice(0, key.indexOf(':'));
    const name = key.slice(agentId.length + 1);
    if (wanted.has(containerKey(agentId, withoutPrevious(name)))) return [];
    const reason = 'this revision does not want it there';
    const rest = { watched: false, placed: null, specHash: null, observed: row };
    return [{ agentId, containerName: name, action: 'REMOVE' as const, reason, ...rest }];
  });
}
