/**
 * Prepares what a container needs before it can be made: its image, its networks and its volumes. Several tasks, and
 * several agents on one engine, may do this at the same time, and Docker does not help: two networks may have the same
 * name (moby #20648). So each looks before and after, all agree on the oldest network, and remove the others.
 */

import type { TaskProgress } from '../base/outcome.ts';
import type { DeployJob } from '../decide/decision.ts';
import type { Engine } from '../docker/engine.ts';
import { EngineError, isConflict, isNotFound, TaskError, toPullError, toTaskError } from '../docker/errors.ts';
import type { Owner } from '../docker/shapes/labels.ts';
import { composeProjectOf, howToTakeOver } from '../docker/shapes/observe.ts';
import { type DockerNetwork, isAsAsked, isVolumeAsAsked, toNetworkBody, toVolumeBody } from '../docker/shapes/parts.ts';
import type { ContainerSpec, NetworkSpec, VolumeSpec } from '../docker/shapes/spec.ts';
import type { TaskContext } from './context.ts';
import { checkOwners } from './owners.ts';

export async function prepare({ deploy }: DeployJob, owner: Owner, context: TaskContext): Promise<void> {
  const { engine } = context;
  await checkOwners(deploy, context);
  await ensureImage(deploy.container, context);
  await Promise.all([
    ...deploy.networks.map((spec) =>
      engine.once.run(networkKey(spec), () => (spec.external ? findExternal : ensureNetwork)(engine, spec, owner)),
    ),
    ...deploy.volumes.map((spec) => engine.once.run(volumeKey(spec), () => ensureVolume(engine, spec, owner))),
  ]);
}

const imageKey = ({ image, platform = '' }: ContainerSpec) => `image ${image} ${platform}`;
/** The key is the whole spec, because a network that fits one spec may not fit another. */
const networkKey = (spec: NetworkSpec) => `network ${JSON.stringify(spec)}`;
const volumeKey = (spec: VolumeSpec) => `volume ${JSON.stringify(spec)}`;

/** Makes the next look ask Docker again, because Docker said that something is missing. */
export function forget({ deploy }: DeployJob, { engine }: TaskContext): void {
  engine.once.forget(imageKey(deploy.container));
  for (const spec of deploy.networks) engine.once.forget(networkKey(spec));
  for (const spec of deploy.volumes) engine.once.forget(volumeKey(spec));
}

async function ensureImage(container: ContainerSpec, context: TaskContext): Promise<void> {
  const { engine } = context;
  const { image, platform, pullPolicy } = container;
  try {
    await engine.once.run(imageKey(container), async () => {
      if (!(await engine.hasImage(image, platform))) throw new EngineError(`Looking at ${image}`, 404, 'not here');
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (pullPolicy !== 'never') return pull(image, context, platform);
    throw new TaskError({
      code: 'IMAGE_MISSING',
      message: `${image} is not on this host, and its pull policy is never. Load it there, or let it be pulled.`,
    });
  }
}

export async function pull(
  image: string,
  { engine, pullSlots, update, cancel }: TaskContext,
  platform?: string,
): Promise<void> {
  const onProgress = (progress: TaskProgress) => update({ phase: 'PULLING', progress });
  try {
    await pullSlots.use(() => engine.pullImage(image, onProgress, cancel, platform));
  } catch (error) {
    if (cancel.aborted) return;
    throw toPullError(image, error);
  }
  // The platform is ignored here: an engine that keeps several platforms of an image shows only the host's own.
  if (await engine.hasImage(image)) return;
  throw toPullError(
    image,
    new EngineError(`Pulling ${image}`, 502, 'it ended without an error, and yet the image is not here'),
  );
}

async function ensureVolume(engine: Engine, spec: VolumeSpec, owner: Owner): Promise<void> {
  const { name } = spec;
  if (spec.external) {
    if (await engine.findVolume(name)) return;
    const message = `There is no volume ${name} on this host, and it is external: it must be there already. Create it, or let the stack make it.`;
    throw new TaskError({ code: 'VOLUME_MISSING', message });
  }
  try {
    const found = await engine.createVolume(toVolumeBody(spec, owner));
    const plain = spec.driver === undefined && spec.driverOptions === undefined;
    // If the spec asks for nothing in particular, somebody else's volume of that name will do.
    if (isVolumeAsAsked(found, spec) || (plain && !isOfStack(found.Labels, owner))) return;
  } catch (error) {
    // A conflict means that the volume has another driver.
    if (!isConflict(error)) throw toTaskError(error, { code: 'CREATE_FAILED', what: `Creating volume ${name}` });
  }
  const message = `Volume ${name} exists with another driver or other options, and changing them would lose its data. Choose another name, or save its data and remove it.`;
  throw new TaskError({ code: 'VOLUME_CONFLICT', message });
}

/** An external network belongs to somebody else, so only its existence matters. */
async function findExternal(engine: Engine, { name }: NetworkSpec): Promise<void> {
  if ((await engine.networksNamed(name)).length > 0) return;
  const message = `There is no network ${name} on this host, and it is external: it must be there already. Create it, or let the stack make it.`;
  throw new TaskError({ code: 'NETWORK_MISSING', message });
}

async function ensureNetwork(engine: Engine, spec: NetworkSpec, owner: Owner): Promise<void> {
  if (await findNetwork(engine, spec, owner)) return;
  try {
    await engine.createNetwork(toNetworkBody(spec, owner));
  } catch (error) {
    const raced = isConflict(error) && (await findNetwork(engine, spec, owner));
    if (raced) return;
    throw toTaskError(error, { code: 'CREATE_FAILED', what: `Creating network ${spec.name}` });
  }
  await findNetwork(engine, spec, owner);
}

/** Returns the one network of this name, after removing this stack's others, or null if there is none. */
async function findNetwork(engine: Engine, spec: NetworkSpec, owner: Owner): Promise<DockerNetwork | null> {
  const all = (await engine.networksNamed(spec.name)).sort(
    (a, b) => a.Created.localeCompare(b.Created) || a.Id.localeCompare(b.Id),
  );
  const foreign = all.find((network) => !isOfStack(network.Labels, owner));
  if (foreign) {
    const project = composeProjectOf(foreign.Labels);
    const out = project === null ? 'Remove or rename it' : howToTakeOver(project);
    throw conflict(spec.name, `exists already and does not belong to this stack. ${out}`);
  }
  const [oldest, ...others] = all;
  // A network that is in use stays until the stack is deleted.
  for (const other of others) await engine.removeNetwork(other.Id).catch(() => undefined);
  if (!oldest || isAsAsked(oldest, spec)) return oldest ?? null;
  try {
    await engine.removeNetwork(oldest.Id);
    return null;
  } catch {
    throw conflict(
      spec.name,
      'exists with another driver, subnet or options and is in use. Delete the stack first, then deploy it again',
    );
  }
}

const conflict = (name: string, why: string) =>
  new TaskError({ code: 'NETWORK_CONFLICT', message: `Network ${name} ${why}.` });

/** Tells whether it belongs to the stack, whichever agent of the cluster made it. */
export const isOfStack = (
  labels: Record<string, string> | null,
  { clusterId, stack }: Pick<Owner, 'clusterId' | 'stack'>,
): boolean => labels?.['graphium.cluster'] === clusterId && labels['graphium.stack'] === stack;
