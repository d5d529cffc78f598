import type { StackSpec } from '../spec/spec.ts';
import type { Observed } from './changes.ts';
import type { Placed } from './placed.ts';

export type PlanKind = 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE' | 'ROLLBACK' | 'REPAIR';

export type PlanInput = {
  kind: PlanKind;
  spec: StackSpec;
  revision: number;
  placed: readonly Placed[];
  /** The stack's containers on agents that exist. */
  observed: readonly Observed[];
  /** Those that an unfinished task has begun to change, and the spec it makes them to; null: it makes none. */
  inWork: readonly { agentId: string; name: string; specHash?: string | null }[];
  /** Those that a task was the last to stop, or to work on in vain; absent: none. */
  stopped?: readonly { agentId: string; name: string; onPurpose: boolean }[];
  /** Images that containers of any stack use there, as they name them. */
  images: readonly { agentId: string; image: string }[];
  /** Every agent that ever had something of the stack, and where networks and volumes may be left. */
  involved: readonly string[];
  online: ReadonlySet<string>;
  removeVolumes: boolean;
  /** RESTART: only these. */
  services: readonly string[] | null;
  /** Only remove what the revision does not want. */
  onlyUnwanted: boolean;
  /** Of what is not wanted, only these are removed; null: all. By `containerKey`. */
  onlyContainers: ReadonlySet<string> | null;
};
