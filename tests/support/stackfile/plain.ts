import type { ContainerSpec, NetworkSpec } from '../../../server/spec/spec.ts';

/** A container of the stack "shop" whose service says nothing but its image. */
export function plain(name: string, service: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name,
    service,
    replica: 1,
    image: 'app',
    command: null,
    environment: {},
    labels: {},
    ports: [],
    mounts: [],
    networkMode: 'bridge',
    networks: [{ name: 'shop_default', aliases: [service] }],
    restart: { name: 'no', maximumRetryCount: 0 },
    nanoCpus: null,
    memoryBytes: null,
    healthCheck: null,
    ...more,
  };
}

/** A network of which the file says nothing but its name. */
export const PLAIN_NETWORK: Omit<NetworkSpec, 'name'> = {
  driver: 'bridge',
  subnet: null,
  gateway: null,
  ipRange: null,
  labels: {},
};
