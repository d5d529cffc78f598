import type { StackSpec } from '../spec/spec.ts';
import type { Observed } from './changes.ts';
import type { Placed } from './placed.ts';

/** What is done to a stack; each is also the kind of the deployment that does it. */
export type PlanKind = 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE' | 'ROLLBACK' | 'REPAIR' | 'REMOVE_ORPHANS';

/** What is wanted of a stack, and what is known about it. */
export type PlanInput = {
  kind: PlanKind;
  spec: StackSpec;
  revision: number;
  placed: readonly Placed[];
  /** Graphium's own repair, or the way back after a failure. */
  unasked?: boolean;
  /** RESTART: only these; null: all. */
  services: readonly string[] | null;
  /** DELETE: named volumes go too. */
  removeVolumes: boolean;
  /** The only containers, by `orphanKey`, that may be removed because the revision does not want them; null: all. */
  orphans: ReadonlySet<string> | null;
  /** The only containers, by `orphanKey`, that anything is done to; absent: all. */
  only?: ReadonlySet<string>;
  known: Known;
};

/** What the database knows about the hosts of a stack. */
export type Known = {
  /** The stack's containers on agents that exist. */
  observed: readonly Observed[];
  /** Containers that an unfinished task has begun to change, and the spec it makes them to; null: it makes none. */
  inWork: readonly { agentId: string; name: string; specHash?: string | null }[];
  /** Containers that a task was the last to stop (`onPurpose`), or to work on in vain. */
  stopped: readonly { agentId: string; name: string; onPurpose: boolean }[];
  /** Images that containers of any stack use there, as they name them. */
  images: readonly { agentId: string; image: string }[];
  /** Every agent that ever had something of the stack, and on which networks and volumes may be left. */
  involved: readonly string[];
  online: ReadonlySet<string>;
};
