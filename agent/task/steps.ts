/** Performs one step. What it returns is remembered, over the step's own `remember`. Rejects with TaskError or EngineError. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskPhase } from '../base/outcome.ts';
import type { DeployJob, Job, Step, StepOf } from '../decide/decision.ts';
import { discarded, hasLostParts, type Memory } from '../decide/memory.ts';
import {
  exitCodeOfStart,
  isConflict,
  isImageMissing,
  isNameTaken,
  isNetworkInUse,
  isNetworkMissing,
  TaskError,
  toTaskError,
} from '../docker/errors.ts';
import { unheeded } from '../docker/shapes/abilities.ts';
import type { ContainerBody } from '../docker/shapes/body.ts';
import { toEndpoints } from '../docker/shapes/endpoints.ts';
import type { Owner } from '../docker/shapes/labels.ts';
import { toObserved } from '../docker/shapes/observe.ts';
import { checkBinds, checkMounted } from './binds.ts';
import { bodyFor } from './container-body.ts';
import type { TaskContext } from './context.ts';
import { checkCount } from './crowd.ts';
import { dropUnusedFiles, layOutFiles, ownersOfFiles, writeConfigs } from './files.ts';
import { forget, prepare, pull } from './prepare.ts';
import { takeEvidence, verify } from './verify.ts';
import { createWake } from './wake.ts';

type Patch = Partial<Memory> | undefined;
type Executor<Name extends Step['do']> = (step: StepOf<Name>, run: Run) => Promise<Patch> | Promise<void>;
type Run = { job: Job; memory: Memory; context: TaskContext };

/** A removed container's name is not free at once (moby #37698). */
const NAME_FREE_MS = 5_000;
const NAME_RETRY_MS = 100;
const REMOVAL_MS = 20_000;
const REMOVAL_LOOK_MS = 1_000;
const STALE_ENDPOINTS_MS = 5_000;
const STALE_RETRY_MS = 250;
/** A stop that takes longer only waits for the process to end, which needs no slot. */
const STOP_SLOT_MS = 500;

const executors: { [Name in Step['do']]: { phase: TaskPhase; run: Executor<Name> } } = {
  pull: { phase: 'PULLING', run: ({ image, platform }, { context }) => pull(image, context, platform) },
  prepare: { phase: 'PREPARING', run: (_, { job, context }) => prepare(toDeploy(job), ownerOf(job, context), context) },
  create: { phase: 'CREATING', run: (_, run) => create(toDeploy(run.job), run) },
  start: { phase: 'STARTING', run: ({ id }, run) => start(id, toDeploy(run.job), run) },
  unpause: { phase: 'STARTING', run: ({ id }, { context }) => context.engine.unpauseContainer(id) },
  verify: { phase: 'VERIFYING', run: ({ id }, { job, memory, context }) => verify(id, toDeploy(job), memory, context) },
  stop: { phase: 'STOPPING', run: stop },
  rename: { phase: 'CREATING', run: rename },
  remove: { phase: 'REMOVING', run: remove },
  awaitRemoval: { phase: 'REMOVING', run: ({ id }, { context }) => awaitRemoval(id, context) },
  removeNetwork: { phase: 'CLEANING', run: removeNetwork },
  removeVolume: { phase: 'CLEANING', run: removeVolume },
};

export function perform(step: Step, run: Run): Promise<Patch> | Promise<void> {
  const { phase, run: execute } = executors[step.do] as { phase: TaskPhase; run: Executor<Step['do']> };
  run.context.update({ phase: isUndoing(run) ? 'RESTORING' : phase });
  return execute(step, run);
}

/** Makes the exact body that Docker gets. The policy checks this very body. */
export const bodyOf = (job: DeployJob, context: TaskContext): ContainerBody =>
  bodyFor(job.deploy, ownerOf(job, context), context);

const ownerOf = ({ stack, taskId }: Job, { identity }: TaskContext): Owner => ({ ...identity, stack, taskId });
const nameOf = (job: Job): string => ('name' in job ? job.name : job.stack);
const isUndoing = ({ memory }: Run): boolean => memory.phase.is === 'undoing';

function toDeploy(job: Job): DeployJob {
  if ('deploy' in job) return job;
  throw new Error(`${job.kind} has no container to make`);
}

async function create(job: DeployJob, { memory, context }: Run): Promise<Patch> {
  const body = bodyOf(job, context);
  const deadline = performance.now() + NAME_FREE_MS;
  while (true) {
    try {
      const { id, warnings } = await createWithFiles(job, body, context);
      return { phase: { is: 'created', id }, warnings: [...warnings, ...unheeded(body, context.engine.abilities())] };
    } catch (error) {
      if (isPartMissing(error) && !hasLostParts(memory)) return prepareAgain(job, context);
      if (!isNameTaken(error) || performance.now() > deadline) {
        await dropUnusedFiles(job.deploy.container.name, context).catch(() => {});
        throw toTaskError(error, { code: 'CREATE_FAILED', what: `Creating ${job.name}` });
      }
      // If a container really has the name, the next look decides what to do about it.
      if (await context.engine.findContainer(job.name)) return undefined;
      await sleep(NAME_RETRY_MS);
    }
  }
}

type Created = Awaited<ReturnType<TaskContext['engine']['createContainer']>>;

/** The container has its files and its networks. */
async function createWithFiles(job: DeployJob, body: ContainerBody, context: TaskContext): Promise<Created> {
  const { name, deploy } = job;
  const { engine, slots } = context;
  const [, ...further] = toEndpoints(deploy.container, engine.apiVersion());
  await checkCount(name, context);
  await checkBinds(body, context);
  await layOutFiles(job, context);
  const created = await slots.use(() => engine.createContainer(name, body, deploy.container.platform));
  const { id } = created;
  await writeConfigs(id, deploy, context);
  await dropUnusedFiles(deploy.container.name, context);
  for (const [network, endpoint] of further) await engine.connectNetwork(network, id, endpoint);
  return created;
}

const isPartMissing = (error: unknown) => isImageMissing(error) || isNetworkMissing(error);

function prepareAgain(job: DeployJob, context: TaskContext): Partial<Memory> {
  forget(job, context);
  return { parts: 'lost' };
}

async function start(id: string, job: DeployJob, run: Run): Promise<Patch> {
  const { memory, context } = run;
  try {
    if (!isUndoing(run)) {
      await checkBinds(bodyOf(job, context), context);
      await layOutFiles(job, context);
    }
    await context.slots.use(() => context.engine.startContainer(id));
    await checkMounted(id, context);
    return undefined;
  } catch (error) {
    if (isNetworkMissing(error) && !hasLostParts(memory) && !isUndoing(run)) {
      return { ...prepareAgain(job, context), phase: discarded(memory.phase, id) };
    }
    throw await toStartFailure(error, id, job, context);
  }
}

async function toStartFailure(error: unknown, id: string, job: DeployJob, context: TaskContext): Promise<TaskError> {
  const { failure, retryable } = toTaskError(error, { code: 'START_FAILED', what: `Starting ${job.name}` });
  const inspect = await context.engine.findContainer(id).catch(() => null);
  if (!inspect) return new TaskError(failure, retryable);
  const seen = toObserved(inspect, context.identity);
  const exitCode = seen.exitCode || exitCodeOfStart(error);
  return new TaskError(
    { ...failure, ...(await takeEvidence(seen, context)), ...(exitCode && { exitCode }) },
    retryable,
  );
}

async function stop({ id, stopSeconds }: StepOf<'stop'>, { job, context: { engine, slots } }: Run): Promise<void> {
  const begin = async () => {
    const stopped = engine.stopContainer(id, stopSeconds);
    await Promise.race([stopped, sleep(STOP_SLOT_MS)]);
    return { stopped };
  };
  try {
    const { stopped } = await slots.use(begin);
    await stopped;
  } catch (error) {
    throw toTaskError(error, { code: 'STOP_FAILED', what: `Stopping ${nameOf(job)}` });
  }
}

async function rename({ id, to }: StepOf<'rename'>, { context: { engine } }: Run): Promise<void> {
  const deadline = performance.now() + NAME_FREE_MS;
  while (true) {
    try {
      return await engine.renameContainer(id, to);
    } catch (error) {
      const freeSoon = isNameTaken(error) && performance.now() < deadline && !(await engine.findContainer(to));
      if (!freeSoon) throw toTaskError(error, { code: 'RENAME_FAILED', what: `Renaming to ${to}` });
      await sleep(NAME_RETRY_MS);
    }
  }
}

async function remove({ id }: StepOf<'remove'>, { job, context }: Run): Promise<void> {
  try {
    const owners = await ownersOfFiles(id, context);
    await context.slots
      .use(() => context.engine.removeContainer(id))
      .catch((error: unknown) => {
        if (!isConflict(error)) throw error;
        return awaitRemoval(id, context);
      });
    for (const name of owners) await dropUnusedFiles(name, context);
  } catch (error) {
    throw toTaskError(error, { code: 'REMOVE_FAILED', what: `Removing ${nameOf(job)}` });
  }
}

async function awaitRemoval(id: string, { engine, cancel }: TaskContext): Promise<void> {
  const wake = createWake(engine, id);
  const deadline = performance.now() + REMOVAL_MS;
  try {
    while (await engine.findContainer(id)) {
      const ms = deadline - performance.now();
      if (ms > 0) await wake.next(Math.min(ms, REMOVAL_LOOK_MS), cancel);
      else
        throw new TaskError(
          {
            code: 'REMOVE_FAILED',
            message: 'Docker does not get on with removing the container. This may pass by itself.',
          },
          true,
        );
    }
  } finally {
    wake.close();
  }
}

/** Leaves a network to others that use it. Docker also counts endpoints that are gone, mostly for a moment. */
async function removeNetwork({ id }: StepOf<'removeNetwork'>, { memory, context }: Run): Promise<Patch> {
  const { engine, log } = context;
  const deadline = performance.now() + STALE_ENDPOINTS_MS;
  engine.once.forgetAll();
  while (true) {
    try {
      await engine.removeNetwork(id);
      return undefined;
    } catch (error) {
      if (!isNetworkInUse(error)) throw toTaskError(error, { code: 'REMOVE_FAILED', what: 'Removing the network' });
      const inUse = await engine.networkHasContainers(id);
      if (inUse || performance.now() > deadline) {
        if (!inUse)
          log.warn(
            { network: id },
            'Docker counts endpoints that do not exist; it can be removed after a restart of Docker',
          );
        return spare(id, memory);
      }
      await sleep(STALE_RETRY_MS);
    }
  }
}

async function removeVolume({ name }: StepOf<'removeVolume'>, { memory, context: { engine } }: Run): Promise<Patch> {
  try {
    engine.once.forgetAll();
    await engine.removeVolume(name);
    return undefined;
  } catch (error) {
    if (isConflict(error)) return spare(name, memory);
    throw toTaskError(error, { code: 'REMOVE_FAILED', what: `Removing volume ${name}` });
  }
}

/** Nothing was removed, so the action stays what it was before the step. */
const spare = (part: string, { spared, action }: Memory): Patch => ({ spared: [...spared, part], action });
