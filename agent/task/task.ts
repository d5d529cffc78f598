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
import { taskVariables } from '../docker/shapes/spec.ts';
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
    return withoutSecrets(await runJob(job, context), job, task);
  } catch (error) {
    const { failure, retryable } = toTaskError(error, { code: 'INTERNAL', what: `Task ${task.kind}` });
    if (failure.code === 'INTERNAL') context.log.error({ task: task.id, error: errorText(error) }, 'task broke off');
    return withoutSecrets({ status: 'FAILED', error: failure, retryable }, job, task);
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

function withoutSecrets(outcome: TaskOutcome, job: Job | undefined, { variables }: AgentTask): TaskOutcome {
  if (!job || !('deploy' in job)) return outcome;
  const { data } = taskVariables.safeParse(variables);
  return redact(outcome, hiddenOf(job.deploy.container, data ?? {}));
}

/** An engine that answers everything but one call, again and again, will not answer that one either. */
const MAX_HANGS = 3;
const CUT_PAUSE_MS = 1_000;

/** A task of many hours may meet a few restarts, each after it has worked on for a while. */
const MAX_RESTARTS = 20;

/** What an engine that was there has not done: calls in a row that it let hang, and since when it cuts others off. */
type Refused = { hangs: number; restarts: number; cutSince: number | undefined; at: number };

/** After a restart of the engine the task begins anew, as its next attempt would. */
async function convergeOverRestarts(job: Job, memory: Memory, context: TaskContext): Promise<TaskOutcome> {
  let refused: Refused = { hangs: 0, restarts: 0, cutSince: undefined, at: 0 };
  while (true) {
    try {
      return await converge(job, memory, context);
    } catch (error) {
      if (!isEngineAway(error)) throw error;
      refused = await awaitNextTry(error, refused, context);
    }
  }
}

async function awaitNextTry(error: unknown, before: Refused, context: TaskContext): Promise<Refused> {
  const failedAt = performance.now();
  const back = await awaitEngine(context);
  const at = performance.now();
  if (back === 'never') throw error;
  if (isHang(error)) {
    const hangs = before.hangs + 1;
    if (hangs === MAX_HANGS) throw toHangFailure(error, `${MAX_HANGS} times in a row`);
    return { ...before, hangs, at };
  }
  if (back === 'later') return { ...before, hangs: 0, cutSince: undefined, at };
  // An engine that shuts down cuts calls off, too, and answers simple ones to the last.
  const waitMs = context.engineWaitMs ?? 0;
  const hasWorked = failedAt - before.at > waitMs;
  const restarts = before.restarts + (hasWorked ? 1 : 0);
  const cutSince = hasWorked ? failedAt : (before.cutSince ?? failedAt);
  if (at - cutSince > waitMs || restarts > MAX_RESTARTS) {
    throw toHangFailure(error, `for ${Math.round((at - cutSince) / 1_000)} s`);
  }
  await pause(CUT_PAUSE_MS, context.cancel);
  return { hangs: before.hangs, restarts, cutSince, at };
}

const toHangFailure = (error: unknown, howLong: string) =>
  new TaskError({
    code: 'ENGINE_UNREACHABLE',
    message: `The Docker engine answers, but not this, ${howLong}: ${error instanceof Error ? error.message : String(error)}. Look at the engine on the host: a restart of Docker mostly helps.`,
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
