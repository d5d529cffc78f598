import type { Logger, TaskUpdate } from '../base/outcome.ts';
import type { Slots } from '../base/slots.ts';
import type { Engine } from '../docker/engine.ts';
import type { Identity } from '../docker/shapes/observe.ts';
import type { Policy } from '../policy/schema.ts';

export type TaskContext = {
  engine: Engine;
  identity: Identity;
  policy: Policy;
  /** Is called for every change of phase and every bit of progress. The callee must throttle. */
  update(update: TaskUpdate): void;
  /**
   * Aborted with the reason 'cancelled', the task takes back what is half done and reports what is in place. Aborted with
   * 'abandoned', it stops between two steps, and nobody wants the outcome.
   */
  cancel: AbortSignal;
  slots: Slots;
  /** Pulls have slots of their own: a slow one holds up no other work. */
  pullSlots: Slots;
  log: Logger;
  /** How long a container must stay up to be good. The default is 1,000. */
  monitorMs?: number;
  /**
   * How long to wait for an engine that does not answer, before the attempt is given up and the server decides when the
   * next one begins. By default the task does not wait.
   */
  engineWaitMs?: number;
};
