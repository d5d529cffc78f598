/** From what a JSON-LD file says to the normalised spec, with what must hold for the stack as a whole. */

import type { NetworkSpec, ServiceSpec, StackSpec, VolumeSpec } from '../../spec/spec.ts';
import { checkDependencies, checkPorts } from '../consistency.ts';
import { quote } from '../problems.ts';
import type { Name, Place } from '../reader.ts';
import type { ParsedContainer } from './container.ts';
import { mergeNetworks, type NetworkMode, type ParsedNetwork } from './network.ts';
import { withoutPrefix } from './reader.ts';

export const DEFAULT_NETWORK = 'default';

export type ParsedDeployment = {
  placement: StackSpec['placement'] | undefined;
  networkMode: NetworkMode | undefined;
  /** Where the file says that one host is to hold everything. */
  singleHost: Place | undefined;
};

export type ParsedStack = {
  place: Place;
  name: string;
  description: string | null;
  deployment: ParsedDeployment;
  /** For the containers that name no network of their own. */
  networkMode: NetworkMode;
  network: ParsedNetwork | undefined;
  host: string | undefined;
  /** What the hosts that the file describes are called, by what it refers to them by. */
  hostNames: ReadonlyMap<string, string>;
  containers: ParsedContainer[];
};

export function toSpec(stack: ParsedStack): StackSpec {
  const toContainerName = createResolver(stack.containers);
  const services = stack.containers.map((container) => toService(stack, container, toContainerName));
  checkContainers(stack, toContainerName);
  return {
    name: stack.name,
    description: stack.description,
    placement: placementOf(stack),
    services,
    networks: toNetworks(stack),
    volumes: toVolumes(stack),
  };
}

/** Where nothing is said about placement, a container without a host goes where there is room. */
function placementOf({ deployment, host, containers }: ParsedStack): StackSpec['placement'] {
  if (deployment.placement) return deployment.placement;
  return host === undefined && containers.some((container) => container.host === undefined) ? 'spread' : 'manual';
}

/** Gives each volume once; all that say its driver must say the same. */
function toVolumes(stack: ParsedStack): VolumeSpec[] {
  const drivers = new Map<string, string | undefined>();
  for (const { type, source, volume } of stack.containers.flatMap(({ mounts }) => mounts)) {
    if (type !== 'volume' || source === null) continue;
    const before = drivers.get(source);
    if (before !== undefined && volume && volume.driver !== before)
      volume.place.report('INVALID_VALUE', `expected ${quote(before)} here too: ${quote(source)} is one volume`);
    drivers.set(source, before ?? volume?.driver);
  }
  return [...drivers].map(([name, driver]) => ({
    name: `${stack.name}_${name}`,
    ...(driver !== undefined && { driver }),
  }));
}

/** A dependency may be a container's name, its @id, or `container:` and its name. */
function createResolver(containers: ParsedContainer[]): (text: string) => string {
  const names = new Set(containers.map(({ name }) => name?.text));
  const byId = new Map(containers.map(({ id, name }) => [id?.text, name?.text]));
  return (text) => (names.has(text) ? text : (byId.get(text) ?? withoutPrefix(text, 'container:')));
}

function toService(
  stack: ParsedStack,
  container: ParsedContainer,
  toContainerName: (text: string) => string,
): ServiceSpec {
  const name = container.name?.text ?? '';
  const network = networkNameOf(stack, container);
  return {
    name,
    host: hostOf(stack, container),
    dependsOn: [...new Set(container.dependsOn.map(({ text }) => toContainerName(text)))].map((service) => ({
      service,
      condition: 'HEALTHY',
      required: true,
      restart: false,
    })),
    container: {
      name,
      service: name,
      replica: 1,
      image: container.image,
      command: container.command,
      environment: container.environment,
      labels: container.labels,
      ports: container.ports.map(({ place: _, ...port }) => port),
      mounts: container.mounts.map(({ volume: _, ...mount }) =>
        mount.type === 'volume' ? { ...mount, source: `${stack.name}_${mount.source}` } : mount,
      ),
      networkMode: container.network?.mode ?? stack.networkMode,
      networks: network === undefined ? [] : [{ name: `${stack.name}_${network}`, aliases: [name] }],
      restart: container.restart,
      nanoCpus: container.nanoCpus,
      memoryBytes: container.memoryBytes,
      healthCheck: container.healthCheck,
      ...(container.workingDir !== undefined && { workingDir: container.workingDir }),
      ...(container.user !== undefined && { user: container.user }),
    },
  };
}

function hostOf(stack: ParsedStack, container: ParsedContainer): string | null {
  const host = container.host ?? stack.host;
  return host === undefined ? null : (stack.hostNames.get(host) ?? host);
}

/** The bridge network a container is on, without the stack's name in front. */
function networkNameOf(stack: ParsedStack, { network }: ParsedContainer): string | undefined {
  if ((network?.mode ?? stack.networkMode) !== 'bridge') return undefined;
  return network?.spec.name ?? stack.network?.spec.name ?? DEFAULT_NETWORK;
}

function toNetworks(stack: ParsedStack): NetworkSpec[] {
  const { network, containers } = stack;
  const own = containers.flatMap((container) => (container.network?.mode === 'bridge' ? container.network : []));
  const isDefaultUsed = containers.some((container) => networkNameOf(stack, container) === DEFAULT_NETWORK);
  const shared = network ?? (isDefaultUsed ? defaultNetwork(stack.place) : undefined);
  const networks = shared?.mode === 'bridge' ? [shared, ...own] : own;
  return mergeNetworks(networks).map((spec) => ({ ...spec, name: `${stack.name}_${spec.name}` }));
}

function defaultNetwork(place: Place): ParsedNetwork {
  const spec = { name: DEFAULT_NETWORK, driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
  return { place, mode: 'bridge', spec, isDescribed: false };
}

function checkContainers(stack: ParsedStack, toContainerName: (text: string) => string): void {
  const { containers } = stack;
  checkUnique(containers.map(({ name }) => name));
  checkUnique(containers.map(({ id }) => id));
  checkHosts(stack);
  const dependants = containers.map(({ name, dependsOn }) => ({
    name: name?.text ?? '',
    dependsOn: dependsOn.map(({ place, text }) => ({ place, service: toContainerName(text) })),
  }));
  checkDependencies(dependants, 'container');
  checkPublishing(stack);
}

function checkUnique(names: (Name | undefined)[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (!name) continue;
    if (seen.has(name.text)) {
      name.place.report('DUPLICATE_CONTAINER', `expected only one container ${quote(name.text)}`);
    }
    seen.add(name.text);
  }
}

function checkHosts(stack: ParsedStack): void {
  const { singleHost } = stack.deployment;
  const placement = placementOf(stack);
  const hosts = new Set(stack.containers.map((container) => hostOf(stack, container)));
  for (const container of stack.containers) {
    if (placement !== 'manual' || hostOf(stack, container) !== null) continue;
    const message = 'expected "locatedInHost" here or on the stack, or another placementStrategy than manual';
    container.hostPlace.report('HOST_MISSING', message);
  }
  if (hosts.size > 1 || (hosts.has(null) && placement === 'spread')) {
    singleHost?.report('INVALID_VALUE', 'expected multi-host, or the same "locatedInHost" for every container');
  }
}

function checkPublishing(stack: ParsedStack): void {
  for (const { network, ports } of stack.containers) {
    const mode = network?.mode ?? stack.networkMode;
    if (mode === 'bridge') continue;
    ports[0]?.place.report('INVALID_VALUE', `expected no ports: Docker publishes none with the network ${mode}`);
  }
  const published = stack.containers.flatMap((container) => {
    const owner = { container: container.name?.text ?? '', host: hostOf(stack, container) };
    return container.ports.flatMap(({ hostPort, ...port }) =>
      hostPort === null ? [] : { ...owner, ...port, hostPort },
    );
  });
  checkPorts(published);
}
