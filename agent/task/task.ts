/**
 * One task: look, decide one step, do it, look again, until there is an outcome.
 *
 * Invariants: never rejects; keeps nothing that Docker and our labels do not know, so that a task cut off anywhere is
 * simply run again; a task that ends FAILED or CANCELLED has first taken back what it could; while the engine does not
 * answer it waits, and if that takes too long nothing is taken back, the next attempt finds its way.
 */

import type { AgentTask, TaskOutcome } from '../base/outcome.ts';
import {
  type DeployJob,
  freshMemory,
  type Job,
  type Memory,
  type PullJob,
  previousName,
  type Step,
  type Undo,
} from '../decide/decision.ts';
import { redact } from '../decide/redact.ts';
import { decide, type Situation } from '../decide/step.ts';
import { isUnreachable, TaskError, toTaskError } from '../docker/errors.ts';
import { toObserved } from '../docker/shapes/observe.ts';
import { dockerName, taskSpecs } from '../docker/shapes/spec.ts';
import { imageViolations, networkViolations, violations } from '../policy/policy.ts';
import type { TaskContext } from './context.ts';
import { awaitEngine, isEngineAway } from './engine-wait.ts';
import { isOfStack } from './prepare.ts';
import { bodyOf, perform } from './steps.ts';

export type { AgentTask, Logger, TaskFailure, TaskKind, TaskOutcome, TaskPhase, TaskUpdate } from '../base/outcome.ts';
export { createSlots, type Slots } from '../base/slots.ts';
export type { TaskContext } from './context.ts';

/** No way through the steps is a third as long. */
const maxSteps = 60;

export async function runTask(task: AgentTask, context: TaskContext): Promise<TaskOutcome> {
  try {
    const job = toJob(task);
    const refused = refusals(job, context);
    const undo: Undo | null =
      refused.length === 0 ? null : { cause: 'failed', failure: toPolicyFailure(refused), retryable: false, notes: [] };
    const outcome = await convergeOverRestarts(job, { ...freshMemory, undo }, context);
    return redact(outcome, secretsOf(job));
  } catch (error) {
    const { failure, retryable } = toTaskError(error, { code: 'INTERNAL', what: `Task ${task.kind}` });
    if (failure.code === 'INTERNAL') context.log.error({ task: task.id, error: errorText(error) }, 'task broke off');
    return { status: 'FAILED', error: failure, retryable };
  }
}

const secretsOf = (job: Job): string[] =>
  'deploy' in job
    ? (job.deploy.container.files ?? []).flatMap(({ kind, content }) => (kind === 'secret' ? [content] : []))
    : [];

/** After a restart of the engine it begins anew, as the next attempt would. */
async function convergeOverRestarts(job: Job, memory: Memory, context: TaskContext): Promise<TaskOutcome> {
  while (true) {
    try {
      return await converge(job, memory, context);
    } catch (error) {
      if (!isEngineAway(error) || !(await awaitEngine(context))) throw error;
    }
  }
}

async function converge(job: Job, memory: Memory, context: TaskContext): Promise<TaskOutcome> {
  const { cancel, log } = context;
  let now = memory;
  let situation: Situation | undefined;
  let last: Step['do'] | undefined;
  for (let count = 0; count < maxSteps; count += 1) {
    if (cancel.aborted && cancel.reason === 'abandoned')
      return { status: 'CANCELLED', result: { action: 'abandoned' } };
    if (cancel.aborted && !now.undo && now.goodId === null) now = { ...now, undo: { cause: 'cancelled', notes: [] } };
    situation = await look(job, context, situation, last);
    const step = decide(situation, now);
    if (step.do === 'end') return step.outcome;
    last = step.do;
    log.debug({ task: job.taskId, step }, 'step');
    try {
      const patch = await perform(step, { job, memory: now, context });
      now = { ...now, ...step.remember, ...(patch ?? {}) };
    } catch (error) {
      now = { ...now, undo: toUndo(error, now, job) };
    }
  }
  throw new TaskError(
    {
      code: 'TIMEOUT',
      message: `Gave up after ${maxSteps} steps: something else on this host keeps changing ${job.stack}.`,
    },
    true,
  );
}

/** Rethrows what cannot be taken back now, or need not be. */
function toUndo(error: unknown, { undo, goodId }: Memory, { kind }: Job): Undo {
  const failed = toTaskError(error, { code: 'INTERNAL', what: kind });
  if (goodId !== null) throw new TaskError({ ...failed.failure, left: 'NEW' }, failed.retryable);
  if (isUnreachable(error) || failed.failure.code === 'ENGINE_UNREACHABLE') throw failed;
  if (undo) return { ...undo, notes: [...undo.notes, `Taking it back failed as well: ${failed.failure.message}.`] };
  return { cause: 'failed', failure: failed.failure, retryable: failed.retryable, notes: [] };
}

function toJob({ id, kind, stack, containerName, spec }: AgentTask): Job {
  const parsed = taskSpecs[kind]?.safeParse(spec);
  if (!parsed?.success) {
    const issue = parsed?.error.issues[0];
    const where = issue?.path.join('.');
    const what = issue ? `${where ? `${where}: ` : ''}${issue.message}` : `task kind ${kind} is not known`;
    throw new TaskError({
      code: 'SPEC_UNSUPPORTED',
      message: `This agent does not understand the task (${what}). Update the agent.`,
    });
  }
  const base = { taskId: id, stack };
  if (kind === 'PULL') return { ...base, kind, ...taskSpecs.PULL.parse(spec) };
  if (kind === 'CLEAN') return { ...base, kind, ...taskSpecs.CLEAN.parse(spec) };
  if (kind === 'DEPLOY' || kind === 'START' || kind === 'RESTART') {
    const deploy = taskSpecs[kind].parse(spec);
    return { ...base, kind, name: deploy.container.name, deploy };
  }
  const name = dockerName.safeParse(containerName);
  if (!name.success) {
    throw new TaskError({ code: 'SPEC_UNSUPPORTED', message: `${kind} of a container without a proper name.` });
  }
  const upTo = kind === 'DELETE' ? taskSpecs.DELETE.parse(spec).upTo : undefined;
  return { ...base, kind, name: name.data, upTo };
}

function refusals(job: Job, context: TaskContext): string[] {
  if (job.kind === 'PULL') return imageViolations(job.image, context.policy);
  if (!('deploy' in job)) return [];
  const drivers = job.deploy.networks.flatMap(({ driver }) => networkViolations(driver, context.policy));
  return [...violations(bodyOf(job, context), context.policy), ...drivers];
}

const toPolicyFailure = (refused: string[]) => ({
  code: 'POLICY_DENIED',
  message: `This host's policy refuses it: ${refused.join('; ')}. Only a policy file on the host can allow it.`,
});

/** What is there. What only this task could have changed since the last look, and did not, is not asked for again. */
async function look(job: Job, context: TaskContext, before?: Situation, last?: Step['do']): Promise<Situation> {
  const { engine, identity } = context;
  if (job.kind === 'PULL') return { job, seen: await lookAtImage(job, context, last) };
  if (job.kind === 'CLEAN') return { job, seen: await lookAtStack(job, context) };
  if (before && last === 'prepare') return before;
  const find = async (name: string) => {
    const inspect = await engine.findContainer(name);
    // Docker also finds by the beginning of an id, which can look like a name.
    return inspect && inspect.Name === `/${name}` ? toObserved(inspect, identity) : null;
  };
  const stillNone = before && 'previous' in before.seen && before.seen.previous === null && last !== 'rename';
  const [named, previous, imageId] = await Promise.all([
    find(job.name),
    stillNone ? null : find(previousName(job.name)),
    before && 'named' in before.seen ? before.seen.imageId : imageToFollow(job, context),
  ]);
  return { job: job as DeployJob, seen: { named, previous, imageId } };
}

/** Asked once: the name may move on at any time, and a task that follows each move might never end. */
async function imageToFollow(job: Job, { engine }: TaskContext): Promise<string | null | undefined> {
  if (job.kind !== 'DEPLOY' || job.deploy.container.pullPolicy !== 'always') return undefined;
  return engine.imageId(job.deploy.container.image);
}

/** An engine that keeps several platforms of an image shows only the host's own: after a pull it is not asked for. */
async function lookAtImage({ image, platform }: PullJob, { engine }: TaskContext, last?: Step['do']) {
  return { present: await engine.hasImage(image, last === 'pull' ? undefined : platform) };
}

async function lookAtStack({ stack, volumes }: Extract<Job, { kind: 'CLEAN' }>, { engine, identity }: TaskContext) {
  const { clusterId, agentName } = identity;
  const ofStack = [`graphium.cluster=${clusterId}`, `graphium.stack=${stack}`];
  const [containers, networks, ...found] = await Promise.all([
    engine.listContainers([...ofStack, `graphium.agent=${agentName}`]),
    engine.networksLabelled(ofStack),
    ...volumes.map((name) => engine.findVolume(name)),
  ]);
  return {
    containers: containers.map(({ Id, Names, State, Labels }) => ({
      id: Id,
      name: (Names?.[0] ?? Id).replace(/^\//, ''),
      status: State,
      revision: Number(Labels?.['graphium.revision'] ?? 0) || 0,
    })),
    networks: networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
    volumes: found.flatMap((volume) => (volume && isOfStack(volume.Labels, { clusterId, stack }) ? [volume.Name] : [])),
  };
}

const errorText = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
