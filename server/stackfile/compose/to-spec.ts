/** From what a Compose file says to the normalised spec, with what must hold for the stack as a whole. */

import { MAX_CONTAINERS, MAX_SPEC_LENGTH } from '../../spec/limits.ts';
import type { ContainerSpec, ServiceSpec, StackSpec } from '../../spec/spec.ts';
import { checkDependencies, checkPorts } from '../consistency.ts';
import { findContainerNameProblem } from '../names.ts';
import { quote, type Report } from '../text.ts';
import type { Context } from './declared.ts';
import { compact, orAbsent } from './keys.ts';
import type { NetworkDraft } from './networks.ts';
import type { Declared, ServiceDraft, Services } from './services.ts';

export function toSpec(context: Context, { drafts, inactive }: Services, declared: Declared): StackSpec | undefined {
  const { report, stack } = context;
  const depending = drafts.map((draft) => withoutInactive(context, draft, inactive));
  checkContainers(report, stack, depending);
  const services = toServices(report, stack, depending);
  if (!services) return undefined;
  return {
    name: stack,
    description: null,
    placement: 'together',
    services,
    networks: used(
      declared.networks,
      drafts.flatMap(({ networking }) => networking.used),
    ).map(({ spec }: NetworkDraft) => spec),
    volumes: used(
      declared.volumes,
      drafts.flatMap(({ storage }) => storage.used),
    ),
  };
}

/** In the order of the file. */
function used<T>(declared: ReadonlyMap<string, T>, keys: string[]): T[] {
  const wanted = new Set(keys);
  return [...declared].flatMap(([key, thing]) => (wanted.has(key) ? [thing] : []));
}

function toServices(report: Report, stack: string, drafts: ServiceDraft[]): ServiceSpec[] | undefined {
  const services: ServiceSpec[] = [];
  let length = 0;
  for (const draft of drafts) {
    const service = toService(stack, draft);
    length += JSON.stringify(service).length;
    if (length > MAX_SPEC_LENGTH) {
      report(
        'SOURCE_TOO_LARGE',
        draft.spot,
        `expected a stack of at most ${MAX_SPEC_LENGTH} characters, variables included`,
      );
      return undefined;
    }
    services.push(service);
  }
  return services;
}

function toService(stack: string, draft: ServiceDraft): ServiceSpec {
  const { name, options } = draft;
  const { containerName, replicas, global, constraints, spread, maxReplicasPerNode, update, rollback } = options;
  const nameBase = containerName ? undefined : `${stack}-${name}`;
  return compact<ServiceSpec>({
    name,
    host: null,
    dependsOn: options.dependsOn.map(({ spot: _spot, ...dependency }) => dependency),
    container: toContainer(draft, containerName?.text ?? `${nameBase}-1`),
    nameBase,
    replicas,
    global,
    constraints,
    spread,
    maxReplicasPerNode,
    update,
    rollback,
  });
}

function toContainer(
  { name, options, networking, storage, files }: ServiceDraft,
  containerName: string,
): ContainerSpec {
  return compact<ContainerSpec>({
    command: null,
    environment: {},
    labels: {},
    restart: { name: 'no', maximumRetryCount: 0 },
    nanoCpus: null,
    memoryBytes: null,
    healthCheck: null,
    ...options.container,
    name: containerName,
    service: name,
    replica: 1,
    image: options.image,
    ports: options.ports.map(({ spot: _spot, ...port }) => port),
    mounts: storage.mounts,
    networkMode: networking.networkMode,
    networks: networking.networks,
    files: orAbsent(files),
  });
}

function withoutInactive(context: Context, draft: ServiceDraft, inactive: Services['inactive']): ServiceDraft {
  const dependsOn = draft.options.dependsOn.filter(({ service, required, spot }) => {
    const profiles = inactive.get(service);
    if (!profiles) return true;
    const which = `${quote(service)} has the profile ${profiles.join(' or ')}, which is not active`;
    if (required) {
      context.report('INACTIVE_DEPENDENCY', spot, `expected a service of this deployment: ${which}`);
    } else context.warn('INACTIVE_DEPENDENCY', spot, `${which}: nothing waits for it`);
    return false;
  });
  return { ...draft, options: { ...draft.options, dependsOn } };
}

/** What is started again whenever it ends never counts as completed. */
function checkEnds(report: Report, drafts: ServiceDraft[]): void {
  const restarts = new Map(drafts.map(({ name, options }) => [name, options.container.restart?.name]));
  for (const { service, condition, spot } of drafts.flatMap(({ options }) => options.dependsOn)) {
    const restart = restarts.get(service);
    if (condition !== 'COMPLETED' || (restart !== 'always' && restart !== 'unless-stopped')) continue;
    const message = `expected a service that ends: ${quote(service)} has restart ${restart}, so that it never completes`;
    report('INVALID_VALUE', spot, message);
  }
}

function checkContainers(report: Report, stack: string, drafts: ServiceDraft[]): void {
  const dependants = drafts.map(({ name, options }) => ({
    name,
    dependsOn: options.dependsOn.map(({ spot, service }) => ({ spot, name: service })),
  }));
  checkDependencies(report, dependants, 'service');
  checkEnds(report, drafts);
  for (const draft of drafts) checkReplicas(report, draft);
  checkNames(report, stack, drafts);
  const published = drafts.flatMap(({ name, options }) =>
    options.ports.flatMap(({ hostPort, ...port }) =>
      hostPort === null ? [] : { ...port, hostPort, container: name, host: null },
    ),
  );
  checkPorts(report, published);
  const count = drafts.reduce((sum, { options }) => sum + (options.replicas ?? 1), 0);
  const last = drafts.at(-1);
  if (last && count > MAX_CONTAINERS) {
    report('TOO_MANY_CONTAINERS', last.spot, `expected at most ${MAX_CONTAINERS} containers, found ${count}`);
  }
}

function checkReplicas(report: Report, { name, options, networking }: ServiceDraft): void {
  const { containerName, global, replicas = 1, maxReplicasPerNode, ports } = options;
  if (containerName && global) {
    const message = 'expected no container_name for a service with mode global: a name is that of one container';
    report('CONFLICTING_FIELDS', containerName, message);
  }
  for (const { spot, what } of networking.fixed) {
    if (global || replicas <= 1 || maxReplicasPerNode === 1) continue;
    const message = `expected no ${what} with ${replicas} replicas: one container can have it (or max_replicas_per_node: 1)`;
    report('CONFLICTING_FIELDS', spot, message);
  }
  const [first] = ports;
  if (first && networking.networkMode !== 'bridge') {
    const message = `expected no ports: Docker publishes none with the network ${networking.networkMode}`;
    report('INVALID_VALUE', first.spot, `${message} (service ${quote(name)})`);
  }
}

/** A `container_name` may be what another service's containers are called. */
function checkNames(report: Report, stack: string, drafts: ServiceDraft[]): void {
  const owners = new Map<string, string>();
  for (const { name, spot, options } of drafts) {
    if (options.containerName) continue;
    const base = `${stack}-${name}`;
    owners.set(base, name);
    const problem = stack === '' ? undefined : findContainerNameProblem(`${base}-${options.replicas ?? 1}`);
    if (problem) report('INVALID_NAME', spot, `${problem}, found ${quote(`${base}-1`)}`);
  }
  const given = new Map<string, string>();
  for (const { name, options } of drafts) {
    const own = options.containerName;
    if (!own) continue;
    const owner = given.get(own.text) ?? owners.get(own.text.replace(/-\d+$/, ''));
    const isNumbered = given.has(own.text) || /-\d+$/.test(own.text);
    if (owner !== undefined && isNumbered) {
      const message = `expected another name: ${quote(own.text)} is a container of the service ${quote(owner)}`;
      report('DUPLICATE_CONTAINER', own, message);
    }
    given.set(own.text, name);
  }
}
