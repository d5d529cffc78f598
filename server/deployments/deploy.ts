import type { Actor } from '../audit.ts';
import { type Db, type Tx, transact } from '../db/connect.ts';
import { GraphiumError, notFound } from '../errors.ts';
import { hashOf } from '../stacks/hash.ts';
import { type StackFile, saveRevision } from '../stacks/revise.ts';
import { getStack, type StackRow } from '../stacks/store.ts';
import { launch } from './launch.ts';
import {
  type DeploymentRow,
  findByIdempotencyKey,
  findDeployment,
  findLatestDeployment,
  findLockedStack,
  getDeployment,
  lockPlanning,
} from './store.ts';

/** One operation on a stack, in one transaction: its revision, its deployment, the tasks and what blocks them. */
export type Operation =
  | { kind: 'DEPLOY'; file: StackFile }
  | { kind: 'STOP' | 'START' | 'RESTART'; stack: string }
  | { kind: 'DELETE'; stack: string; removeVolumes: boolean };

const DESIRED = {
  DEPLOY: 'RUNNING',
  START: 'RUNNING',
  RESTART: 'RUNNING',
  STOP: 'STOPPED',
  DELETE: 'DELETED',
} as const;

/**
 * @throws GraphiumError IDEMPOTENCY_KEY_REUSED, NOT_FOUND, CONFLICT and what `saveRevision` throws; then nothing changed
 */
export function operate(
  db: Db,
  actor: Actor,
  operation: Operation,
  idempotencyKey: string | null = null,
): Promise<DeploymentRow> {
  const inputHash = hashOf(operation);
  return transact(db, async (tx) => {
    await lockPlanning(tx);
    const earlier = idempotencyKey === null ? undefined : await findByIdempotencyKey(tx, idempotencyKey);
    if (earlier) return sameInput(earlier, inputHash);
    const stack = await subject(tx, actor, operation);
    const { kind } = operation;
    const desired = DESIRED[kind];
    const removeVolumes = kind === 'DELETE' && operation.removeVolumes;
    const id = await launch(tx, actor, stack, {
      kind,
      desired,
      removeVolumes,
      idempotencyKey,
      inputHash,
      retryOf: null,
    });
    return getDeployment(tx, id);
  });
}

function sameInput(earlier: DeploymentRow, inputHash: string): DeploymentRow {
  if (earlier.inputHash === inputHash) return earlier;
  throw new GraphiumError(
    'IDEMPOTENCY_KEY_REUSED',
    'This idempotency key was used before, with another input. Use a new key for a new operation.',
    { deploymentId: earlier.id },
  );
}

async function subject(tx: Tx, actor: Actor, operation: Operation): Promise<StackRow> {
  if (operation.kind === 'DEPLOY') return saveRevision(tx, actor, operation.file);
  const stack = await findLockedStack(tx, operation.stack);
  if (!stack) throw notFound('stack', operation.stack);
  if (stack.desired === 'DELETED' && operation.kind !== 'DELETE') {
    throw new GraphiumError('CONFLICT', `The stack "${stack.name}" is being deleted; deploy it again to keep it.`);
  }
  return stack;
}

/** The same operation once more, as a new deployment. */
export function retryDeployment(
  db: Db,
  actor: Actor,
  id: string,
  idempotencyKey: string | null,
): Promise<DeploymentRow> {
  const inputHash = hashOf({ retry: id });
  return transact(db, async (tx) => {
    await lockPlanning(tx);
    const earlier = idempotencyKey === null ? undefined : await findByIdempotencyKey(tx, idempotencyKey);
    if (earlier) return sameInput(earlier, inputHash);
    const { deployment, stack } = await retryable(tx, id);
    const { kind, removeVolumes } = deployment;
    const desired = DESIRED[kind];
    const options = { kind, desired, removeVolumes, idempotencyKey, inputHash, retryOf: id };
    const newId = await launch(tx, actor, stack, options);
    return getDeployment(tx, newId);
  });
}

async function retryable(tx: Tx, id: string): Promise<{ deployment: DeploymentRow; stack: StackRow }> {
  const deployment = await findDeployment(tx, id);
  if (!deployment) throw notFound('deployment', id);
  if (deployment.status !== 'FAILED' && deployment.status !== 'CANCELLED') {
    throw new GraphiumError(
      'CONFLICT',
      `The deployment is ${deployment.status}; only FAILED or CANCELLED can be retried.`,
    );
  }
  const latest = await findLatestDeployment(tx, deployment.stackId);
  if (latest?.id !== deployment.id) {
    throw new GraphiumError('CONFLICT', 'A newer deployment of this stack exists; retry or change that one.');
  }
  return { deployment, stack: await getStack(tx, deployment.stackId) };
}
