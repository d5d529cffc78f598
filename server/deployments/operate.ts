import type { Actor } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import type { Db, Tx } from '../db/types.ts';
import { type Plan, plan } from '../planning/plan.ts';
import type { PlanInput } from '../planning/plan-input.ts';
import { hashOf } from '../spec/hash.ts';
import { getStack, type StackRow, updateStack } from '../stacks/store.ts';
import { storeDraft } from './draft.ts';
import { currentTarget, DEFAULTS, launch, type NewOperation, type OperationOptions } from './launch.ts';
import { checkPlaced, checkServes, type Operation, resolve } from './operation.ts';
import { readPlanInput, type Target } from './plan-input.ts';
import { type Preview, toPreview } from './preview.ts';
import {
  type DeploymentRow,
  findByIdempotencyKey,
  findDeployment,
  findLatestDeployment,
  lockPlanning,
} from './store.ts';

/** An operation writes its revision, its deployment, the tasks and their blockers in one transaction. */
export type OperateOptions = Partial<OperationOptions> & {
  idempotencyKey?: string | null;
  /** The hash of the plan that was agreed to. */
  planHash?: string | null;
  /** Refuses to replace, restart or remove a container that is there. */
  adoptOnly?: boolean;
  /** null: stays as it is. */
  autoRepair?: boolean | null;
};

const DESIRED = {
  DEPLOY: 'RUNNING',
  ROLLBACK: 'RUNNING',
  REPAIR: 'RUNNING',
  REMOVE_ORPHANS: 'RUNNING',
  START: 'RUNNING',
  RESTART: 'RUNNING',
  STOP: 'STOPPED',
  DELETE: 'DELETED',
} as const;

/**
 * @throws GraphiumError IDEMPOTENCY_KEY_REUSED, PLAN_CHANGED and what `resolve` throws; then nothing changed
 */
export function operate(
  db: Db,
  actor: Actor,
  operation: Operation,
  { idempotencyKey = null, planHash = null, adoptOnly = false, autoRepair = null, ...given }: OperateOptions = {},
): Promise<DeploymentRow> {
  const options = { ...DEFAULTS, ...given };
  const isPlain = hasOnlyDefaults(options) && autoRepair === null;
  // The digest is keyed, because the input may hold secrets that could be guessed.
  const inputHash = db.$vault.digest(hashOf(isPlain ? operation : { operation, options, autoRepair }));
  return transact(db, async (tx) => {
    const earlier = await lockPlanningFor(tx, idempotencyKey);
    if (earlier) return sameInput(earlier, inputHash);
    const resolved = await resolve(tx, operation);
    const { draft, target, kind, desired, removeVolumes, services } = resolved;
    const stack = draft ? await storeDraft(tx, actor, draft) : resolved.stack;
    if (!stack) throw new Error('an operation without a stack');
    if (autoRepair !== null) await updateStack(tx, stack.id, { autoRepair });
    const warnings = draft?.warnings ?? [];
    const more = { desired, removeVolumes, services, options, idempotencyKey, inputHash, retryOf: null, warnings };
    const agree = async (input: PlanInput, planned: Plan) => {
      if (planHash === null && !adoptOnly) return;
      const view = await toPreview(tx, resolved, input, planned, warnings, options.onFailure);
      if (planHash !== null) checkPlan(planHash, view);
      if (adoptOnly) checkAdoption(view);
    };
    return launch(tx, actor, stack, target, { kind, ...more }, agree);
  });
}

const hasOnlyDefaults = (options: OperationOptions) => hashOf(options) === hashOf(DEFAULTS);

function checkPlan(agreed: string, now: Preview): void {
  if (agreed === now.planHash) return;
  throw new GraphiumError(
    'PLAN_CHANGED',
    'What would be done is not what the plan said any more: the file, the hosts or the containers changed. Look at the new plan.',
    { planHash: now.planHash },
  );
}

function checkAdoption({ stack, items }: Preview): void {
  const there = items.filter(({ action }) => action !== 'CREATE');
  if (there.length === 0) throw notFound('container to adopt of the stack', stack);
  const touched = there.filter(({ action }) => action !== 'NOOP' && action !== 'START');
  if (touched.length === 0) return;
  const what = touched.map(({ agent, containerName, action }) => `${containerName} on ${agent}: ${action}`);
  throw new GraphiumError(
    'CONFLICT',
    `The file is not what runs there: ${what.join('; ')}. Use deployStack to change it.`,
  );
}

/** Tells what the operation would do, and changes nothing. @throws as `operate` does */
export function planOperation(
  db: Db,
  operation: Operation,
  { onFailure = null }: Pick<OperateOptions, 'onFailure'> = {},
): Promise<Preview> {
  return transact(db, async (tx) => {
    await lockPlanning(tx);
    const resolved = await resolve(tx, operation);
    const { stack, target, draft } = resolved;
    const input = await readPlanInput(tx, stack, target, resolved);
    return toPreview(tx, resolved, input, plan(input), draft?.warnings ?? [], onFailure);
  });
}

/** @returns the deployment that was made under the key before */
async function lockPlanningFor(tx: Tx, idempotencyKey: string | null): Promise<DeploymentRow | undefined> {
  await lockPlanning(tx);
  return idempotencyKey === null ? undefined : findByIdempotencyKey(tx, idempotencyKey);
}

function sameInput(earlier: DeploymentRow, inputHash: string): DeploymentRow {
  if (earlier.inputHash === inputHash) return earlier;
  throw new GraphiumError(
    'IDEMPOTENCY_KEY_REUSED',
    'This idempotency key was used before, with another input. Use a new key for a new operation.',
    { deploymentId: earlier.id },
  );
}

/** Does the operation of a deployment again, as a new deployment. */
export function retryDeployment(
  db: Db,
  actor: Actor,
  id: string,
  idempotencyKey: string | null,
): Promise<DeploymentRow> {
  const inputHash = hashOf({ retry: id });
  return transact(db, async (tx) => {
    const earlier = await lockPlanningFor(tx, idempotencyKey);
    if (earlier) return sameInput(earlier, inputHash);
    const { deployment, stack } = await retryable(tx, id);
    const target = await currentTarget(tx, stack);
    await checkRetry(tx, stack, target, deployment);
    const { kind, removeVolumes, services, priority, maxRetries, onFailure } = deployment;
    const { timeoutSeconds, taskTimeoutSeconds } = deployment;
    const options = { priority, maxRetries, onFailure, timeoutSeconds, taskTimeoutSeconds };
    const again: NewOperation = {
      kind,
      desired: DESIRED[kind],
      removeVolumes,
      services,
      options,
      idempotencyKey,
      inputHash,
      retryOf: id,
      warnings: deployment.warnings,
    };
    return launch(tx, actor, stack, target, again);
  });
}

/** What the operation itself would check now. @throws GraphiumError CONFLICT */
async function checkRetry(tx: Tx, stack: StackRow, target: Target, { kind, services }: DeploymentRow): Promise<void> {
  if (kind === 'START' || kind === 'RESTART') await checkServes(tx, stack);
  if (kind !== 'STOP' && kind !== 'DELETE') await checkPlaced(tx, target, services);
}

async function retryable(tx: Tx, id: string): Promise<{ deployment: DeploymentRow; stack: StackRow }> {
  const deployment = await findDeployment(tx, id);
  if (!deployment) throw notFound('deployment', id);
  if (deployment.status === 'ROLLED_BACK') {
    throw new GraphiumError(
      'CONFLICT',
      'The deployment was rolled back; deploy the file again, or roll back to its revision.',
    );
  }
  if (deployment.status !== 'FAILED' && deployment.status !== 'CANCELLED') {
    throw new GraphiumError(
      'CONFLICT',
      `The deployment is ${deployment.status}; only FAILED or CANCELLED can be retried.`,
    );
  }
  if (deployment.kind === 'REMOVE_ORPHANS') {
    throw new GraphiumError('CONFLICT', 'The deployment removed orphans; use removeOrphans or repairStack instead.');
  }
  const latest = await findLatestDeployment(tx, deployment.stackId);
  if (latest?.id !== deployment.id) {
    throw new GraphiumError('CONFLICT', 'A newer deployment of this stack exists; retry or change that one.');
  }
  return { deployment, stack: await getStack(tx, deployment.stackId) };
}
