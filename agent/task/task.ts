/**
 * Runs one task: looks, decides one step, performs it, and looks again, until there is an outcome.
 *
 * Invariants: it never rejects. It keeps nothing that Docker and our labels do not know, so a task that was cut off
 * anywhere is simply run again. A task that ends FAILED or CANCELLED has first taken back what it could. While the engine
 * does not answer, the task waits; if that takes too long, it takes nothing back, and the next attempt finds its way.
 */
import { pause } from '../base/backoff.ts';
import type { AgentTask, TaskOutcome } from '../base/outcome.ts';
import type { Job, SeenJob, Step } from '../decide/decision.ts';
import { cancel, FRESH_MEMORY, fail, type Memory } from '../decide/memory.ts';
import { hiddenOf, redact } from '../decide/redact.ts';
import { decide } from '../decide/step.ts';
import { isHang, isUnreachable, TaskError, toTaskError } from '../docker/errors.ts';
import { imageViolations, networkViolations } from '../policy/table.ts';
import { violations } from '../policy/violations.ts';
import type { TaskContext } from './context.ts';
import { awaitEngine, isEngineAway } from './engine-wait.ts';
import { dropUnusedFiles, dropUnusedFilesOfStack } from './files.ts';
import { toJob } from './job.ts';
import { look } from './look.ts';
import { policyDenied } from './policy-denied.ts';
import { bodyOf, perform } from './steps.ts';

/** The longest way through the steps is less than a third of this. */
const MAX_STEPS = 60;

export async function runTask(task: AgentTask, context: TaskContext): Promise<TaskOutcome> {
  let job: Job | undefined;
  try {
    job = toJob(task);
    return withoutSecrets(await runJob(job, context), job);
  } catch (error) {
    const { failure, retryable } = toTaskError(error, { code: 'INTERNAL', what: `Task ${task.kind}` });
    if (failure.code === 'INTERNAL') context.log.error({ task: task.id, error: errorText(error) }, 'task broke off');
    return withoutSecrets({ status: 'FAILED', error: failure, retryable }, job);
  }
}

async function runJob(job: Job, context: TaskContext): Promise<TaskOutcome> {
  const refused = refusals(job, context);
  const memory = refused.length === 0 ? FRESH_MEMORY : fail(FRESH_MEMORY, policyDenied(refused).failure, false);
  const outcome = await convergeOverRestarts(job, memory, context);
  // Somebody may have removed the containers, but not their secrets.
  if (outcome.status === 'COMPLETED') {
    if (job.kind === 'DELETE') await dropUnusedFiles(job.name, context);
    if (job.kind === 'CLEAN') await dropUnusedFilesOfStack(job.stack, context);
  }
  return outcome;
}

const withoutSecrets = (outcome: TaskOutcome, job: Job | undefined): TaskOutcome =>
  job && 'deploy' in job ? redact(outcome, hiddenOf(job.deploy.container, job.deploy.variables)) : outcome;

/** An engine that answers everything but one call, again and again, will not answer that one either. */
const MAX_HANGS = 3;
const CUT_PAUSE_MS = 1_000;
/** A task of many hours may meet a few restarts. */
const IN_A_ROW_MS = 600_000;

/** After a restart of the engine the task begins anew, as its next attempt would. */
async function convergeOverRestarts(job: Job, memory: Memory, context: TaskContext): Promise<TaskOutcome> {
  let hangs = 0;
  let hungAt = 0;
  while (true) {
    try {
      return await converge(job, memory, context);
    } catch (error) {
      if (!isEngineAway(error)) throw error;
      const isInARow = performance.now() - hungAt < IN_A_ROW_MS;
      hangs = await awaitNextTry(error, isInARow ? hangs : 0, context);
      hungAt = performance.now();
    }
  }
}

/** @returns how often in a row the engine was there and did not do it */
async function awaitNextTry(error: unknown, hangs: number, context: TaskContext): Promise<number> {
  const back = await awaitEngine(context);
  if (back === 'never') throw error;
  // It was not away at all, so it let this call hang, or cut it off.
  const wasThere = isHang(error) || back === 'at once';
  if (wasThere && hangs + 1 === MAX_HANGS) throw toHangFailure(error);
  if (back === 'at once') await pause(CUT_PAUSE_MS, context.cancel);
  return wasThere ? hangs + 1 : 0;
}

const toHangFailure = (error: unknown) =>
  new TaskError({
    code: 'ENGINE_UNREACHABLE',
    message: `The Docker engine answers, but not this, ${MAX_HANGS} times in a row: ${error instanceof Error ? error.message : String(error)}. Look at the engine on the host: a restart of Docker mostly helps.`,
  });

async function converge(job: Job, initial: Memory, context: TaskContext): Promise<TaskOutcome> {
  const { cancel: signal, log } = context;
  let memory = initial;
  let seen: SeenJob | undefined;
  let last: Step['do'] | undefined;
  for (let count = 0; count < MAX_STEPS; count += 1) {
    if (signal.aborted && signal.reason === 'abandoned') {
      return { status: 'CANCELLED', result: { action: 'abandoned' } };
    }
    if (signal.aborted) memory = cancel(memory);
    seen = await look(job, context, seen, last);
    const step = decide(seen, memory);
    if (step.do === 'end') return step.outcome;
    last = step.do;
    log.debug({ task: job.taskId, step }, 'step');
    memory = await remember(step, job, memory, context);
  }
  throw new TaskError(
    {
      code: 'TIMEOUT',
      message: `Gave up after ${MAX_STEPS} steps: something else on this host keeps changing ${job.stack}.`,
    },
    true,
  );
}

/** Performs the step and returns the memory after it. */
async function remember(step: Step, job: Job, memory: Memory, context: TaskContext): Promise<Memory> {
  try {
    const patch = await perform(step, { job, memory, context });
    return { ...memory, ...step.remember, ...(patch ?? {}) };
  } catch (error) {
    return afterFailure(error, memory, job);
  }
}

/** Throws if nothing can be taken back now, or nothing needs to be. */
function afterFailure(error: unknown, memory: Memory, { kind }: Job): Memory {
  const { failure, retryable } = toTaskError(error, { code: 'INTERNAL', what: kind });
  if (memory.phase.is === 'good') throw new TaskError({ ...failure, left: 'NEW' }, retryable);
  if (isUnreachable(error) || failure.code === 'ENGINE_UNREACHABLE') throw new TaskError(failure, retryable);
  return fail(memory, failure, retryable);
}

function refusals(job: Job, context: TaskContext): string[] {
  if (job.kind === 'PULL') return imageViolations(job.image, context.policy);
  if (!('deploy' in job)) return [];
  const drivers = job.deploy.networks.flatMap(({ driver }) => networkViolations(driver, context.policy));
  return [...violations(bodyOf(job, context), context.policy), ...drivers];
}

const errorText = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
