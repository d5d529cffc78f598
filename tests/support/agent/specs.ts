import { toContainerBody } from '../../../agent/docker/shapes/body.ts';
import type { ContainerSpec, DeploySpec } from '../../../agent/docker/shapes/spec.ts';

/** A container of which nothing is asked but its image. */
export const PLAIN: ContainerSpec = {
  name: 's-web-1',
  service: 'web',
  replica: 1,
  image: 'nginx:alpine',
  command: null,
  environment: {},
  labels: {},
  ports: [],
  mounts: [],
  networkMode: 'bridge',
  networks: [],
  restart: { name: 'no', maximumRetryCount: 0 },
  nanoCpus: null,
  memoryBytes: null,
  healthCheck: null,
};

export const OWNER = { clusterId: 'k', agentName: 'vm1', stack: 's', taskId: 't1' };

export const specOf = (container: Partial<ContainerSpec> = {}, rest: Partial<DeploySpec> = {}): DeploySpec => ({
  version: 1,
  revision: 3,
  specHash: 'abc',
  container: { ...PLAIN, ...container },
  networks: [],
  volumes: [],
  ...rest,
});

/** The body that Docker gets for such a container. */
export const bodyOf = (
  container: Partial<ContainerSpec> = {},
  apiVersion = '1.44',
  rest: Partial<DeploySpec> = {},
): ReturnType<typeof toContainerBody> => toContainerBody(specOf(container, rest), OWNER, { apiVersion, files: [] });
