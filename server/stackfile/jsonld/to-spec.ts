/** From what a JSON-LD file says to the normalised spec, with what must hold for the stack as a whole. */

import type { NetworkSpec, ServiceSpec, StackSpec } from '../../spec/spec.ts';
import { checkDependencies, checkPorts } from '../consistency.ts';
import { fieldPath, quote, type Report, type StringValue, type Value } from '../text.ts';
import type { ContainerDraft } from './container.ts';
import { mergeNetworks, type NetworkDraft, type NetworkMode } from './network.ts';
import { withoutPrefix } from './vocabulary.ts';

export const DEFAULT_NETWORK = 'default';

export type Deployment = {
  placement: StackSpec['placement'];
  networkMode: NetworkMode | undefined;
  /** Where the file says that one host is to hold everything. */
  singleHost: Value | undefined;
};

export type StackDraft = {
  name: string;
  description: string | null;
  deployment: Deployment;
  /** For the containers that name no network of their own. */
  networkMode: NetworkMode;
  network: NetworkDraft | undefined;
  host: string | undefined;
  containers: ContainerDraft[];
};

export function toSpec(report: Report, stack: StackDraft): StackSpec {
  const toName = createResolver(stack.containers);
  const services = stack.containers.map((draft) => toService(stack, draft, toName));
  checkContainers(report, stack, toName);
  const volumes = services.flatMap(({ container }) =>
    container.mounts.flatMap((mount) => (mount.type === 'volume' && mount.source !== null ? mount.source : [])),
  );
  return {
    name: stack.name,
    description: stack.description,
    placement: stack.deployment.placement,
    services,
    networks: toNetworks(report, stack),
    volumes: [...new Set(volumes)].map((name) => ({ name })),
  };
}

/** A dependency may be a container's name, its @id, or `container:` and its name. */
function createResolver(containers: ContainerDraft[]): (text: string) => string {
  const names = new Set(containers.map(({ name }) => name?.text));
  const byId = new Map(containers.map(({ id, name }) => [id?.text, name?.text]));
  return (text) => (names.has(text) ? text : (byId.get(text) ?? withoutPrefix(text, 'container:')));
}

function toService(stack: StackDraft, draft: ContainerDraft, toName: (text: string) => string): ServiceSpec {
  const name = draft.name?.text ?? '';
  const network = networkNameOf(stack, draft);
  return {
    name,
    host: hostOf(stack, draft),
    dependsOn: [...new Set(draft.dependsOn.map((item) => toName(item.text)))].map((service) => ({
      service,
      condition: 'HEALTHY',
      required: true,
      restart: false,
    })),
    container: {
      name,
      service: name,
      replica: 1,
      image: draft.image,
      command: draft.command,
      environment: draft.environment,
      labels: draft.labels,
      ports: draft.ports.map(({ spot: _spot, ...port }) => port),
      mounts: draft.mounts.map((mount) =>
        mount.type === 'volume' ? { ...mount, source: `${stack.name}_${mount.source}` } : mount,
      ),
      networkMode: draft.network?.mode ?? stack.networkMode,
      networks: network === undefined ? [] : [{ name: `${stack.name}_${network}`, aliases: [name] }],
      restart: draft.restart,
      nanoCpus: draft.nanoCpus,
      memoryBytes: draft.memoryBytes,
      healthCheck: draft.healthCheck,
    },
  };
}

function hostOf(stack: StackDraft, draft: ContainerDraft): string | null {
  return draft.host ?? stack.host ?? null;
}

/** The bridge network a container is on, without the stack's name in front. */
function networkNameOf(stack: StackDraft, { network }: ContainerDraft): string | undefined {
  if ((network?.mode ?? stack.networkMode) !== 'bridge') return undefined;
  return network?.spec.name ?? stack.network?.spec.name ?? DEFAULT_NETWORK;
}

function toNetworks(report: Report, stack: StackDraft): NetworkSpec[] {
  const { network, containers } = stack;
  const own = containers.flatMap((draft) => (draft.network?.mode === 'bridge' ? draft.network : []));
  const isDefaultUsed = containers.some((draft) => networkNameOf(stack, draft) === DEFAULT_NETWORK);
  const shared = network?.mode === 'bridge' ? [network] : !network && isDefaultUsed ? [defaultNetwork()] : [];
  return mergeNetworks(report, [...shared, ...own]).map((spec) => ({ ...spec, name: `${stack.name}_${spec.name}` }));
}

function defaultNetwork(): NetworkDraft {
  const spec = { name: DEFAULT_NETWORK, driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
  return { spot: { path: '', offset: 0 }, mode: 'bridge', spec, isDescribed: false };
}

function checkContainers(report: Report, stack: StackDraft, toName: (text: string) => string): void {
  const { containers } = stack;
  checkUnique(
    report,
    containers.map(({ name }) => name),
  );
  checkUnique(
    report,
    containers.map(({ id }) => id),
  );
  checkHosts(report, stack);
  checkDependencies(
    report,
    containers.map(({ name, dependsOn }) => ({
      name: name?.text ?? '',
      dependsOn: dependsOn.map((item) => ({ spot: item, name: toName(item.text) })),
    })),
  );
  checkPublishing(report, stack);
}

function checkUnique(report: Report, names: (StringValue | undefined)[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (!name) continue;
    if (seen.has(name.text)) report('DUPLICATE_CONTAINER', name, `expected only one container ${quote(name.text)}`);
    seen.add(name.text);
  }
}

function checkHosts(report: Report, stack: StackDraft): void {
  const { placement, singleHost } = stack.deployment;
  const hosts = new Set(stack.containers.map((draft) => hostOf(stack, draft)));
  for (const draft of stack.containers) {
    if (placement !== 'manual' || hostOf(stack, draft) !== null) continue;
    const spot = { path: fieldPath(draft.spot.path, 'locatedInHost'), offset: draft.spot.offset };
    report('HOST_MISSING', spot, 'expected "locatedInHost" here or on the stack, or the placementStrategy spread');
  }
  if (singleHost && (hosts.size > 1 || (hosts.has(null) && placement === 'spread'))) {
    report('INVALID_VALUE', singleHost, 'expected multi-host, or the same "locatedInHost" for every container');
  }
}

function checkPublishing(report: Report, stack: StackDraft): void {
  for (const { network, ports } of stack.containers) {
    const mode = network?.mode ?? stack.networkMode;
    const [first] = ports;
    if (!first || mode === 'bridge') continue;
    report('INVALID_VALUE', first.spot, `expected no ports: Docker publishes none with the network ${mode}`);
  }
  const published = stack.containers.flatMap((draft) => {
    const owner = { container: draft.name?.text ?? '', host: hostOf(stack, draft) };
    return draft.ports.flatMap(({ hostPort, ...port }) => (hostPort === null ? [] : { ...owner, ...port, hostPort }));
  });
  checkPorts(report, published);
}
