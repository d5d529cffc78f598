/** Does one step. What it returns is remembered, besides the step's own `remember`. Rejects with TaskError or EngineError. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskPhase } from '../base/outcome.ts';
import type { DeployJob, Job, Memory, Step, StepOf } from '../decide/decision.ts';
import {
  isConflict,
  isImageMissing,
  isNameTaken,
  isNetworkInUse,
  isNetworkMissing,
  TaskError,
  toTaskError,
} from '../docker/errors.ts';
import type { ContainerBody } from '../docker/shapes/body.ts';
import { toEndpoints } from '../docker/shapes/endpoints.ts';
import type { Owner } from '../docker/shapes/labels.ts';
import { toObserved } from '../docker/shapes/observe.ts';
import { bodyFor } from './container-body.ts';
import type { TaskContext } from './context.ts';
import { dropUnusedFiles, layOutFiles, ownersOfFiles, writeConfigs } from './files.ts';
import { forget, prepare, pull } from './prepare.ts';
import { takeEvidence, verify } from './verify.ts';
import { createWake } from './wake.ts';

type Patch = Partial<Memory> | undefined;
type Executor<Name extends Step['do']> = (step: StepOf<Name>, run: Run) => Promise<Patch> | Promise<void>;
type Run = { job: Job; memory: Memory; context: TaskContext };

/** A removed container's name is not free at once (moby #37698). */
const nameFreeMs = 5_000;
const nameRetryMs = 100;
const removalMs = 20_000;
const staleEndpointsMs = 5_000;
const staleRetryMs = 250;
/** A stop that takes longer only waits for the process to end, and that needs no slot. */
const stopSlotMs = 500;

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
  run.context.update({ phase: run.memory.undo ? 'RESTORING' : phase });
  return execute(step, run);
}

/** The exact body that Docker gets; the policy looks at the same. */
export const bodyOf = (job: DeployJob, context: TaskContext): ContainerBody =>
  bodyFor(job.deploy, ownerOf(job, context), context);

const ownerOf = ({ stack, taskId }: Job, { identity }: TaskContext): Owner => ({ ...identity, stack, taskId });
const nameOf = (job: Job): string => ('name' in job ? job.name : job.stack);

function toDeploy(job: Job): DeployJob {
  if ('deploy' in job) return job;
  throw new Error(`${job.kind} has no container to make`);
}

async function create(job: DeployJob, { memory, context }: Run): Promise<Patch> {
  const { engine, slots } = context;
  const body = bodyOf(job, context);
  const [, ...further] = toEndpoints(job.deploy.container, engine.apiVersion());
  const deadline = performance.now() + nameFreeMs;
  while (true) {
    try {
      await layOutFiles(job.deploy, context);
      const createdId = await slots.use(() => engine.createContainer(job.name, body, job.deploy.container.platform));
      await writeConfigs(createdId, job.deploy, context);
      await dropUnusedFiles(job.deploy.container.name, context);
      for (const [network, endpoint] of further) await engine.connectNetwork(network, createdId, endpoint);
      return { createdId };
    } catch (error) {
      if (isPartMissing(error) && !memory.preparedAgain) return prepareAgain(job, context);
      if (!isNameTaken(error) || performance.now() > deadline) {
        await dropUnusedFiles(job.deploy.container.name, context).catch(() => {});
        throw toTaskError(error, { code: 'CREATE_FAILED', what: `Creating ${job.name}` });
      }
      // Somebody's container has it: look again and decide anew.
      if (await engine.findContainer(job.name)) return undefined;
      await sleep(nameRetryMs);
    }
  }
}

const isPartMissing = (error: unknown) => isImageMissing(error) || isNetworkMissing(error);

function prepareAgain(job: DeployJob, context: TaskContext): Patch {
  forget(job, context);
  return { prepared: false, preparedAgain: true };
}

async function start(id: string, job: DeployJob, { memory, context }: Run): Promise<Patch> {
  const { engine, slots, identity } = context;
  try {
    if (!memory.undo) await layOutFiles(job.deploy, context);
    await slots.use(() => engine.startContainer(id));
    return undefined;
  } catch (error) {
    if (isNetworkMissing(error) && !memory.preparedAgain && !memory.undo) {
      return { ...prepareAgain(job, context), discardId: id, startedId: null };
    }
    const { failure, retryable } = toTaskError(error, { code: 'START_FAILED', what: `Starting ${job.name}` });
    const inspect = await engine.findContainer(id).catch(() => null);
    if (!inspect) throw new TaskError(failure, retryable);
    const seen = toObserved(inspect, identity);
    const exitCode = seen.exitCode === 0 ? {} : { exitCode: seen.exitCode };
    throw new TaskError({ ...failure, ...(await takeEvidence(seen, context)), ...exitCode }, retryable);
  }
}

async function stop({ id, stopSeconds }: StepOf<'stop'>, { job, context: { engine, slots } }: Run): Promise<void> {
  const begin = async () => {
    const stopped = engine.stopContainer(id, stopSeconds);
    await Promise.race([stopped, sleep(stopSlotMs)]);
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
  const deadline = performance.now() + nameFreeMs;
  while (true) {
    try {
      return await engine.renameContainer(id, to);
    } catch (error) {
      const free = isNameTaken(error) && performance.now() < deadline && !(await engine.findContainer(to));
      if (!free) throw toTaskError(error, { code: 'RENAME_FAILED', what: `Renaming to ${to}` });
      await sleep(nameRetryMs);
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
  const deadline = performance.now() + removalMs;
  try {
    while (await engine.findContainer(id)) {
      const ms = deadline - performance.now();
      if (ms > 0) await wake.next(Math.min(ms, 1_000), cancel);
      else
        throw new TaskError(
          { code: 'REMOVE_FAILED', message: 'Docker does not get on with removing the container. It is tried again.' },
          true,
        );
    }
  } finally {
    wake.close();
  }
}

/** In use by others, it is left to them. Docker also counts endpoints that are gone already, mostly for a moment. */
async function removeNetwork({ id }: StepOf<'removeNetwork'>, { memory, context }: Run): Promise<Patch> {
  const { engine, log } = context;
  const deadline = performance.now() + staleEndpointsMs;
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
        return { left: [...memory.left, id], action: memory.action };
      }
      await sleep(staleRetryMs);
    }
  }
}

async function removeVolume({ name }: StepOf<'removeVolume'>, { memory, context: { engine } }: Run): Promise<Patch> {
  try {
    engine.once.forgetAll();
    await engine.removeVolume(name);
    return undefined;
  } catch (error) {
    if (isConflict(error)) return { left: [...memory.left, name], action: memory.action };
    throw toTaskError(error, { code: 'REMOVE_FAILED', what: `Removing volume ${name}` });
  }
}
