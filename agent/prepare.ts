/**
 * What a container needs before it can be made: its image, its networks, its volumes. Several tasks, and several agents
 * on one engine, may do this at the same time. Docker gives no help there: two networks may bear one name (moby #20648),
 * so we look before and after, all agree on the oldest, and the others go.
 */

import type { DeployJob } from './decision.ts';
import type { DockerNetwork } from './docker/calls.ts';
import type { Engine } from './docker/engine.ts';
import { EngineError, isConflict, isNotFound, TaskError, toPullError, toTaskError } from './docker/errors.ts';
import { type NetworkSpec, type Owner, stackLabels, toNetworkBody } from './docker/spec.ts';
import type { TaskContext } from './task-context.ts';

export async function prepare({ deploy }: DeployJob, owner: Owner, context: TaskContext): Promise<void> {
  const { engine } = context;
  await ensureImage(deploy.container.image, context);
  await Promise.all([
    ...deploy.networks.map((spec) => engine.once.run(networkKey(spec.name), () => ensureNetwork(engine, spec, owner))),
    ...deploy.volumes.map(({ name }) => engine.once.run(volumeKey(name), () => ensureVolume(engine, name, owner))),
  ]);
}

const imageKey = (image: string) => `image ${image}`;
const networkKey = (name: string) => `network ${name}`;
const volumeKey = (name: string) => `volume ${name}`;

/** Docker said that something is not there: look again, next time. */
export function forget({ deploy }: DeployJob, { engine }: TaskContext): void {
  engine.once.forget(imageKey(deploy.container.image));
  for (const { name } of deploy.networks) engine.once.forget(networkKey(name));
  for (const { name } of deploy.volumes) engine.once.forget(volumeKey(name));
}

async function ensureImage(image: string, context: TaskContext): Promise<void> {
  const { engine } = context;
  try {
    await engine.once.run(imageKey(image), async () => {
      if (!(await engine.hasImage(image))) throw new EngineError(`Looking at ${image}`, 404, 'not here');
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await pull(image, context);
  }
}

export async function pull(image: string, { engine, slots, update, cancel }: TaskContext): Promise<void> {
  try {
    await slots.use(() => engine.pullImage(image, (progress) => update({ phase: 'PULLING', progress }), cancel));
  } catch (error) {
    if (cancel.aborted) return;
    throw toPullError(image, error);
  }
  if (await engine.hasImage(image)) return;
  throw toPullError(
    image,
    new EngineError(`Pulling ${image}`, 502, 'it ended without an error, and yet the image is not here'),
  );
}

async function ensureVolume(engine: Engine, name: string, owner: Owner): Promise<void> {
  try {
    await engine.createVolume(name, stackLabels(owner));
  } catch (error) {
    throw toTaskError(error, { code: 'CREATE_FAILED', what: `Creating volume ${name}` });
  }
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

/** The one network of this name, after the others of ours are gone; null if there is none. */
async function findNetwork(engine: Engine, spec: NetworkSpec, owner: Owner): Promise<DockerNetwork | null> {
  const all = (await engine.networksNamed(spec.name)).sort(
    (a, b) => a.Created.localeCompare(b.Created) || a.Id.localeCompare(b.Id),
  );
  if (all.some((network) => !isOfStack(network.Labels, owner))) {
    throw conflict(spec.name, 'exists already and does not belong to this stack. Remove or rename it');
  }
  const [kept, ...others] = all;
  // One that is in use stays; it goes with the stack.
  for (const other of others) await engine.removeNetwork(other.Id).catch(() => undefined);
  if (!kept || isAsAsked(kept, spec)) return kept ?? null;
  try {
    await engine.removeNetwork(kept.Id);
    return null;
  } catch {
    throw conflict(
      spec.name,
      'exists with another driver or subnet and is in use. Delete the stack first, then deploy it again',
    );
  }
}

const conflict = (name: string, why: string) =>
  new TaskError({ code: 'NETWORK_CONFLICT', message: `Network ${name} ${why}.` });

/** Whichever agent of the cluster made it. */
export const isOfStack = (
  labels: Record<string, string> | null,
  { clusterId, stack }: Pick<Owner, 'clusterId' | 'stack'>,
): boolean => labels?.['graphium.cluster'] === clusterId && labels['graphium.stack'] === stack;

function isAsAsked({ Driver, IPAM }: DockerNetwork, { driver, subnet, gateway, ipRange }: NetworkSpec): boolean {
  if (Driver !== driver) return false;
  if (subnet === null && gateway === null && ipRange === null) return true;
  const same = (asked: string | null, is: string | undefined) =>
    asked === null || asked.toLowerCase() === is?.toLowerCase();
  return (IPAM?.Config ?? []).some(
    (c) => same(subnet, c.Subnet) && same(gateway, c.Gateway) && same(ipRange, c.IPRange),
  );
}
