/** From what a Compose file says to the normalised spec, with what must hold for the stack as a whole. */

import { MAX_CONTAINERS, MAX_SPEC_LENGTH } from '../../spec/limits.ts';
import type { ContainerSpec, ServiceSpec, StackSpec } from '../../spec/spec.ts';
import { checkDependencies, checkPorts } from '../consistency.ts';
import { findContainerNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import { compact, orAbsent } from './compact.ts';
import type { Declared, ParsedService, ParsedServices } from './services.ts';

export function toSpec(stack: string, { active, inactive }: ParsedServices, declared: Declared): StackSpec | undefined {
  const parsed = active.map((service) => withoutInactive(service, inactive));
  checkContainers(stack, parsed);
  const services = toServices(stack, parsed);
  if (!services) return undefined;
  const networks = used(
    declared.networks,
    parsed.flatMap(({ networking }) => networking.used),
  );
  return {
    name: stack,
    description: null,
    placement: 'together',
    services,
    networks: networks.map(({ spec }) => spec),
    volumes: used(
      declared.volumes,
      parsed.flatMap(({ storage }) => storage.used),
    ),
  };
}

/** Gives those that services use, in the order of the file. */
function used<T>(declared: ReadonlyMap<string, T>, keys: string[]): T[] {
  const wanted = new Set(keys);
  return [...declared].flatMap(([key, thing]) => (wanted.has(key) ? [thing] : []));
}

function toServices(stack: string, parsed: ParsedService[]): ServiceSpec[] | undefined {
  const services: ServiceSpec[] = [];
  let length = 0;
  for (const one of parsed) {
    const service = toService(stack, one);
    length += JSON.stringify(service).length;
    if (length > MAX_SPEC_LENGTH) {
      const message = `expected a stack of at most ${MAX_SPEC_LENGTH} characters, variables included`;
      return one.place.report('SOURCE_TOO_LARGE', message);
    }
    services.push(service);
  }
  return services;
}

function toService(stack: string, parsed: ParsedService): ServiceSpec {
  const { name, options } = parsed;
  const { containerName, replicas, global, constraints, spread, maxReplicasPerNode, update, rollback } = options;
  const nameBase = containerName ? undefined : `${stack}-${name}`;
  return compact<ServiceSpec>({
    name,
    host: null,
    dependsOn: options.dependsOn.map(({ place: _, ...dependency }) => dependency),
    container: toContainer(parsed, containerName?.text ?? `${nameBase}-1`),
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
  { name, options, networking, storage, files }: ParsedService,
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
    ports: options.ports.map(({ place: _, ...port }) => port),
    mounts: storage.mounts,
    networkMode: networking.networkMode,
    networks: networking.networks,
    files: orAbsent(files),
  });
}

/** Drops the dependencies on services whose profiles are not active, if the service can do without them. */
function withoutInactive(service: ParsedService, inactive: ParsedServices['inactive']): ParsedService {
  const dependsOn = service.options.dependsOn.filter(({ service: name, required, place }) => {
    const profiles = inactive.get(name);
    if (!profiles) return true;
    const which = `${quote(name)} has the profile ${profiles.join(' or ')}, which is not active`;
    if (required) place.report('INACTIVE_DEPENDENCY', `expected a service of this deployment: ${which}`);
    else place.warn('INACTIVE_DEPENDENCY', `${which}: nothing waits for it`);
    return false;
  });
  return { ...service, options: { ...service.options, dependsOn } };
}

function checkContainers(stack: string, services: ParsedService[]): void {
  checkDependencies(
    services.map(({ name, options }) => ({ name, dependsOn: options.dependsOn })),
    'service',
  );
  checkCompletion(services);
  for (const service of services) checkReplicas(service);
  checkNames(stack, services);
  const published = services.flatMap(({ name, options }) =>
    options.ports.flatMap(({ hostPort, ...port }) =>
      hostPort === null ? [] : { ...port, hostPort, container: name, host: null },
    ),
  );
  checkPorts(published);
  const count = services.reduce((sum, { options }) => sum + (options.replicas ?? 1), 0);
  if (count > MAX_CONTAINERS) {
    const message = `expected at most ${MAX_CONTAINERS} containers, found ${count}`;
    services.at(-1)?.place.report('TOO_MANY_CONTAINERS', message);
  }
}

/** A container that is started again whenever it ends never counts as completed. */
function checkCompletion(services: ParsedService[]): void {
  const restarts = new Map(services.map(({ name, options }) => [name, options.container.restart?.name]));
  for (const { service, condition, place } of services.flatMap(({ options }) => options.dependsOn)) {
    const restart = restarts.get(service);
    if (condition !== 'COMPLETED' || (restart !== 'always' && restart !== 'unless-stopped')) continue;
    const message = `expected a service that ends: ${quote(service)} has restart ${restart}, so that it never completes`;
    place.report('INVALID_VALUE', message);
  }
}

function checkReplicas({ name, options, networking }: ParsedService): void {
  const { containerName, global, replicas = 1, maxReplicasPerNode, ports } = options;
  if (containerName && global) {
    const message = 'expected no container_name for a service with mode global: a name is that of one container';
    containerName.place.report('CONFLICTING_FIELDS', message);
  }
  for (const { place, key } of networking.fixed) {
    if (global || replicas <= 1 || maxReplicasPerNode === 1) continue;
    const message = `expected no ${key} with ${replicas} replicas: one container can have it (or max_replicas_per_node: 1)`;
    place.report('CONFLICTING_FIELDS', message);
  }
  if (networking.networkMode !== 'bridge') {
    const message = `expected no ports: Docker publishes none with the network ${networking.networkMode}`;
    ports[0]?.place.report('INVALID_VALUE', `${message} (service ${quote(name)})`);
  }
}

/** A `container_name` could be the name of another service's container. */
function checkNames(stack: string, services: ParsedService[]): void {
  const numbered = services.filter(({ options }) => !options.containerName);
  for (const { name, place, options } of numbered) {
    const base = `${stack}-${name}`;
    const problem = stack === '' ? undefined : findContainerNameProblem(`${base}-${options.replicas ?? 1}`);
    if (problem) place.report('INVALID_NAME', `${problem}, found ${quote(`${base}-1`)}`);
  }
  const byBase = new Map(numbered.map(({ name }) => [`${stack}-${name}`, name]));
  const byName = new Map<string, string>();
  for (const { name, options } of services) {
    if (!options.containerName) continue;
    const { text, place } = options.containerName;
    const [, base] = /^(.*)-\d+$/s.exec(text) ?? [];
    const owner = byName.get(text) ?? (base === undefined ? undefined : byBase.get(base));
    if (owner !== undefined) {
      const message = `expected another name: ${quote(text)} is a container of the service ${quote(owner)}`;
      place.report('DUPLICATE_CONTAINER', message);
    }
    byName.set(text, name);
  }
}
