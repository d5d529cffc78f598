import { builder, describedEnum } from '../schema/builder.ts';
import { agentById } from './loaders.ts';
import { type ContainerRow, unknownSince } from './store.ts';

export const PortProtocol = describedEnum('PortProtocol', 'The transport protocol of a port.', {
  TCP: 'The Transmission Control Protocol.',
  UDP: 'The User Datagram Protocol.',
  SCTP: 'The Stream Control Transmission Protocol.',
});

export const ContainerState = describedEnum('ContainerState', 'The state of a container, as Docker reports it.', {
  CREATED: 'It was created and never started.',
  RUNNING: 'Its main process is running.',
  PAUSED: 'Its processes are frozen.',
  RESTARTING: 'Its main process ended, and Docker is about to start it again.',
  REMOVING: 'Docker is removing it.',
  EXITED: 'Its main process has ended.',
  DEAD: 'Docker tried to remove it and failed to do so completely.',
});

export const Health = describedEnum('Health', "The result of a container's health check.", {
  NONE: 'The container has no health check.',
  STARTING: 'The health check has no result yet.',
  HEALTHY: 'The last check passed.',
  UNHEALTHY: 'The last checks failed, as many in a row as `retries` allows.',
});

export type PortRow = {
  hostIp?: string | null | undefined;
  hostPort?: number | null | undefined;
  containerPort: number;
  protocol: 'TCP' | 'UDP' | 'SCTP';
};

export const Port = builder.objectRef<PortRow>('Port').implement({
  description: 'A port of a container and where it is published on the host.',
  authScopes: { anyone: true },
  fields: (t) => ({
    hostIp: t.string({
      nullable: true,
      description: 'The address on the host that the port is published on; null for all addresses.',
      resolve: (port) => port.hostIp,
    }),
    hostPort: t.int({
      nullable: true,
      description: 'The port on the host; null if the port is not published.',
      resolve: (port) => port.hostPort,
    }),
    containerPort: t.exposeInt('containerPort', { description: 'The port inside the container.' }),
    protocol: t.field({ type: PortProtocol, description: 'The transport protocol.', resolve: (port) => port.protocol }),
  }),
});

export const Container = builder.objectRef<ContainerRow>('Container').implement({
  description: 'A container of a stack, as its agent last observed it on the Docker engine.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('containerId', { description: "The container's ID on the Docker engine." }),
    name: t.exposeString('name', { description: "The container's name on the host." }),
    agent: t.string({
      description: 'The name of the agent on whose host the container is.',
      resolve: async (container, _args, { load }) => (await load(agentById, container.agentId)).name,
    }),
    stack: t.exposeString('stack', {
      description: 'The name of the stack that the container belongs to, from its label.',
    }),
    service: t.exposeString('service', { description: 'The name of the service that the container belongs to.' }),
    replica: t.exposeInt('replica', {
      description: "The container's number within its service on all hosts, starting from 1.",
    }),
    revision: t.exposeInt('revision', {
      description: "The number of the stack's revision that created the container.",
    }),
    image: t.exposeString('image', { description: 'The image, as the stack file names it.' }),
    state: t.field({
      type: ContainerState,
      description: "The container's state.",
      resolve: (container) => container.state,
    }),
    health: t.field({
      type: Health,
      description: "The result of the container's health check.",
      resolve: (container) => container.health,
    }),
    exitCode: t.exposeInt('exitCode', {
      nullable: true,
      description: "The exit code of the container's main process; null while it is running.",
    }),
    ports: t.field({ type: [Port], description: "The container's ports.", resolve: (container) => container.ports }),
    unknownSince: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the agent was last heard of, or last saw the Docker engine of its host, if it is not online: everything else here is what it said before. Null while it is online.',
      resolve: async (container, _args, { load }) => {
        const agent = await load(agentById, container.agentId);
        return agent.online ? null : unknownSince(agent);
      },
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the container was last started, by the clock of its host; null if it never was.',
      resolve: (container) => container.startedAt,
    }),
    observedAt: t.field({
      type: 'DateTime',
      description: 'When the agent first reported the container in its present state.',
      resolve: (container) => container.observedAt,
    }),
  }),
});
