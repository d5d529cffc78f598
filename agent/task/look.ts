/** Finds out what exists on the host for a job. */
import {
  type CleanJob,
  type DeleteJob,
  type DeployJob,
  type Job,
  type PullJob,
  previousName,
  type SeenContainers,
  type SeenJob,
  type SeenStack,
  type Step,
  type StopJob,
} from '../decide/decision.ts';
import { toObserved } from '../docker/shapes/observe.ts';
import type { TaskContext } from './context.ts';
import { isOfStack } from './prepare.ts';

/** Does not ask again for what only this task could have changed since the look `before`, and did not. */
export async function look(job: Job, context: TaskContext, before?: SeenJob, last?: Step['do']): Promise<SeenJob> {
  if (job.kind === 'PULL') return { ...job, seen: await lookAtImage(job, context, last) };
  if (job.kind === 'CLEAN') return { ...job, seen: await lookAtStack(job, context) };
  if (before && last === 'prepare') return before;
  const known = before && 'named' in before.seen ? before.seen : undefined;
  return { ...job, seen: await lookAtContainers(job, context, known, last) };
}

async function lookAtContainers(
  job: DeployJob | StopJob | DeleteJob,
  context: TaskContext,
  known: SeenContainers | undefined,
  last: Step['do'] | undefined,
): Promise<SeenContainers> {
  const { engine, identity } = context;
  const find = async (name: string) => {
    const inspect = await engine.findContainer(name);
    // Docker also finds by the beginning of an id, which can look like a name.
    if (!inspect || inspect.Name !== `/${name}`) return null;
    const seen = toObserved(inspect, identity);
    // Another stack of this installation has as much right to its container as anybody else.
    return { ...seen, ours: seen.ours && seen.stack === job.stack };
  };
  const stillNone = known?.previous === null && last !== 'rename';
  const [named, previous, imageId] = await Promise.all([
    find(job.name),
    stillNone ? null : find(previousName(job.name)),
    known ? known.imageId : imageToFollow(job, context),
  ]);
  return { named, previous, imageId };
}

/** Asks only once per run, because the name may move on at any time, and a task that follows each move might never end. */
async function imageToFollow(job: Job, { engine }: TaskContext): Promise<string | null | undefined> {
  if (job.kind !== 'DEPLOY' || job.deploy.container.pullPolicy !== 'always') return undefined;
  return engine.imageId(job.deploy.container.image);
}

/** Ignores the platform after a pull: an engine that keeps several platforms of an image shows only the host's own. */
async function lookAtImage({ image, platform }: PullJob, { engine }: TaskContext, last?: Step['do']) {
  return { present: await engine.hasImage(image, last === 'pull' ? undefined : platform) };
}

async function lookAtStack({ stack, volumes }: CleanJob, { engine, identity }: TaskContext): Promise<SeenStack> {
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
