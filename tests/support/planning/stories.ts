import type { ContainerSpec, NetworkSpec, ServiceSpec, StackSpec } from '../../../server/spec/spec.ts';

/** Builds small specs for the tests of pure parts. */
export function containerOf(name: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name,
    service: name,
    replica: 1,
    image: 'nginx',
    command: null,
    environment: {},
    labels: {},
    ports: [],
    mounts: [],
    networkMode: 'bridge',
    networks: [{ name: 'shop_default', aliases: [name] }],
    restart: { name: 'always', maximumRetryCount: 0 },
    nanoCpus: null,
    memoryBytes: null,
    healthCheck: null,
    ...more,
  };
}

export function serviceOf(
  name: string,
  { container, ...more }: Partial<Omit<ServiceSpec, 'container'>> & { container?: Partial<ContainerSpec> } = {},
): ServiceSpec {
  return { name, host: null, dependsOn: [], ...more, container: containerOf(name, container) };
}

export function specOf(name: string, services: ServiceSpec[]): StackSpec {
  const network: NetworkSpec = {
    name: `${name}_default`,
    driver: 'bridge',
    subnet: null,
    gateway: null,
    ipRange: null,
    labels: {},
  };
  return { name, description: null, placement: 'manual', services, networks: [network], volumes: [] };
}

export const portOf = (hostPort: number | null, hostIp: string | null = null, protocol: 'tcp' | 'udp' = 'tcp') => ({
  containerPort: 80,
  hostPort,
  hostIp,
  protocol,
});
