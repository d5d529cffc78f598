/** Whose volumes and networks a container gets: those that Graphium did not make belong to somebody else on this host. */
import type { DeploySpec } from '../docker/shapes/spec.ts';
import type { TaskContext } from './context.ts';
import { policyDenied } from './policy-denied.ts';

const MAY_BE_ID = /^[0-9a-f]+$/;
const ID_LENGTH = 64;

/** @throws TaskError POLICY_DENIED for what is somebody else's and not allowed by name */
export async function checkOwners(
  { container, volumes, networks }: DeploySpec,
  { engine, identity, policy }: TaskContext,
): Promise<void> {
  const isOurs = (labels: Record<string, string> | null | undefined) =>
    labels?.['graphium.cluster'] === identity.clusterId;
  const mounted = container.mounts.flatMap(({ type, source }) => (type === 'volume' && source ? [source] : []));
  const volumeNames = new Set([...mounted, ...volumes.map(({ name }) => name)]);
  // A network that the stack makes itself is in conflict with any other of its name, whatever the policy says.
  const made = new Set(networks.filter(({ external }) => !external).map(({ name }) => name));
  const joined = [...container.networks, ...networks].map(({ name }) => name);
  const declared = new Set(networks.map(({ name }) => name));
  const networkNames = new Set(joined.filter((name) => !made.has(name)));
  const foreignVolumes = [...volumeNames]
    .filter((name) => !policy.allowVolumes.includes(name))
    .map(async (name) => {
      const found = await engine.findVolume(name);
      return found && !isOurs(found.Labels) ? [`Mounts: volume ${name} is somebody else's`] : [];
    });
  const foreignNetworks = [...networkNames]
    .filter((name) => !policy.allowNetworks.includes(name))
    .map(async (name) => {
      const found = await engine.networksNamed(name);
      const isForeign = found.some(({ Labels }) => !isOurs(Labels));
      // Docker takes the beginning of an id for a network too, and a whole id before any name.
      const isName = !MAY_BE_ID.test(name) || (declared.has(name) && name.length < ID_LENGTH);
      if (!isName) return [`EndpointsConfig: network ${name} may be the id of somebody else's`];
      return isForeign ? [`EndpointsConfig: network ${name} is somebody else's`] : [];
    });
  const ids = [...made].filter((name) => MAY_BE_ID.test(name) && name.length >= ID_LENGTH);
  const refused = [
    ...ids.map((name) => `EndpointsConfig: network ${name} may be the id of somebody else's`),
    ...(await Promise.all([...foreignVolumes, ...foreignNetworks])).flat(),
  ];
  if (refused.length > 0) throw policyDenied(refused);
}
