import { GraphiumError } from '../base/errors.ts';
import { builder } from '../schema/builder.ts';
import { OnFailure } from './graphql.ts';
import type { OperateOptions } from './operate.ts';
import type { Operation } from './operation.ts';

/** The options that all operations on stacks share. */

export const OperationOptions = builder.inputType('OperationOptions', {
  description: 'The options that every operation on a stack accepts.',
  fields: (t) => ({
    idempotencyKey: t.string({
      description:
        'A key of your choice, 1 to 200 characters, that makes the request safe to repeat: the same key with the same input returns the same deployment, however often it is sent. With a different input it is refused with IDEMPOTENCY_KEY_REUSED.',
    }),
    planHash: t.string({
      description:
        'The `planHash` of the plan that you agreed to. If the operation would now do anything else, it is refused with PLAN_CHANGED and changes nothing.',
    }),
    priority: t.int({
      required: true,
      defaultValue: 0,
      description:
        "The priority of the operation's tasks, from -100 to 100. On each host, tasks with a higher priority start first.",
    }),
    maxRetries: t.int({
      required: true,
      defaultValue: 2,
      description:
        'How often a task is retried after a failure that may be temporary, from 0 to 20. Other failures are never retried.',
    }),
    timeoutSeconds: t.int({
      description:
        'The time limit of the whole deployment in seconds, from 1 to 604800 (a week). When it is exceeded, the deployment fails: pending tasks are cancelled, running ones stop at a safe point. A rollback that follows is given as long again. If omitted, there is no limit.',
    }),
    taskTimeoutSeconds: t.int({
      description:
        'The time limit of each task in seconds, counted from its first start, from 1 to 604800 (a week). A task that exceeds it stops at a safe point and fails. If omitted, there is no limit.',
    }),
    onFailure: t.field({
      type: OnFailure,
      description:
        'What happens to the stack if the deployment fails; only for deploying, scaling and rolling back, BAD_INPUT elsewhere. If omitted, ROLLBACK, unless a service of the stack file has `failure_action: pause`: then KEEP.',
    }),
  }),
});

export const optionsField = {
  type: OperationOptions,
  description: 'Options such as the idempotency key and the priority. If omitted, every option has its default.',
} as const;

export type OptionsInput = typeof OperationOptions.$inferInput | null | undefined;

const WEEK_SECONDS = 7 * 24 * 3600;

/** The operations after whose failure the stack can return to its last good revision. */
const CAN_ROLL_BACK: ReadonlySet<Operation['kind']> = new Set(['DEPLOY', 'SCALE', 'ROLLBACK']);

/** @throws GraphiumError BAD_INPUT */
export function toOptions(kind: Operation['kind'], options: OptionsInput): OperateOptions {
  if (options == null) return {};
  const { priority, maxRetries, timeoutSeconds = null, taskTimeoutSeconds = null, onFailure = null } = options;
  checkRange('priority', priority, -100, 100);
  checkRange('maxRetries', maxRetries, 0, 20);
  if (timeoutSeconds !== null) checkRange('timeoutSeconds', timeoutSeconds, 1, WEEK_SECONDS);
  if (taskTimeoutSeconds !== null) checkRange('taskTimeoutSeconds', taskTimeoutSeconds, 1, WEEK_SECONDS);
  if (onFailure !== null && !CAN_ROLL_BACK.has(kind)) {
    throw new GraphiumError('BAD_INPUT', `onFailure: a ${kind} is never rolled back. Leave the option out.`);
  }
  const { planHash = null, idempotencyKey } = options;
  const key = checkKey(idempotencyKey);
  return { priority, maxRetries, timeoutSeconds, taskTimeoutSeconds, onFailure, planHash, idempotencyKey: key };
}

/** Does the same for a plan, which changes nothing and so needs no agreement and no key. @throws GraphiumError BAD_INPUT */
export function toPlanOptions(kind: Operation['kind'], options: OptionsInput): OperateOptions {
  for (const name of ['planHash', 'idempotencyKey'] as const) {
    if (options?.[name] == null) continue;
    throw new GraphiumError('BAD_INPUT', `${name}: planStack changes nothing. Give it to the mutation instead.`);
  }
  return toOptions(kind, options);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new GraphiumError('BAD_INPUT', `${name}: expected ${least} to ${most}, got ${value}.`);
}

/** @throws GraphiumError BAD_INPUT */
export function checkKey(key: string | null | undefined): string | null {
  if (key == null) return null;
  if (key.length === 0 || key.length > 200) {
    throw new GraphiumError('BAD_INPUT', `idempotencyKey: expected 1 to 200 characters, got ${key.length}.`);
  }
  return key;
}
