import type { Logger, TaskUpdate } from '../base/outcome.ts';
import type { Slots } from '../base/slots.ts';
import type { Engine } from '../docker/engine.ts';
import type { Identity } from '../docker/shapes/observe.ts';
import type { Policy } from '../policy/policy.ts';

export type TaskContext = {
  engine: Engine;
  identity: Identity;
  policy: Policy;
  /** Every change of phase, and every bit of progress; who listens slows it down. */
  update(update: TaskUpdate): void;
  /**
   * Aborted with the reason 'cancelled': take back what is half done and say what stands there. With 'abandoned': stop
   * between two steps; nobody wants the outcome.
   */
  cancel: AbortSignal;
  slots: Slots;
  log: Logger;
  /** How long a container must stay up to be good; 1,000 unless told. */
  monitorMs?: number;
  /**
   * How long to wait for an engine that does not answer before the attempt is given up, and the server decides when the
   * next one begins; not at all unless told.
   */
  engineWaitMs?: number;
};
