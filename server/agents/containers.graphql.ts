import { builder, describedEnum } from '../schema/builder.ts';
import { agentById } from './loaders.ts';
import type { ContainerRow } from './store.ts';

export const PortProtocol = describedEnum('PortProtocol', 'The transport protocol of a port.', {
  TCP: 'TCP.',
  UDP: 'UDP.',
  SCTP: 'SCTP.',
});

export const ContainerState = describedEnum('ContainerState', "A container's state, as Docker says it.", {
  CREATED: 'Made and never started.',
  RUNNING: 'Its main process runs.',
  PAUSED: 'Its processes are frozen.',
  RESTARTING: 'Its process ended and the restart policy starts it again.',
  REMOVING: 'Docker is removing it.',
  EXITED: 'Its main process has ended.',
  DEAD: 'Docker could not remove it entirely.',
});

export const Health = describedEnum('Health', "What a container's health check says.", {
  NONE: 'It has no health check.',
  STARTING: 'No verdict yet.',
  HEALTHY: 'The last checks passed.',
  UNHEALTHY: 'As many checks as `retries` failed in a row.',
});

export type PortRow = {
  hostIp?: string | null | undefined;
  hostPort?: number | null | undefined;
  containerPort: number;
  protocol: 'TCP' | 'UDP' | 'SCTP';
};

export const Port = builder.objectRef<PortRow>('Port').implement({
  description: 'A port of a container, and where its host publishes it.',
  authScopes: { anyone: true },
  fields: (t) => ({
    hostIp: t.string({
      nullable: true,
      description: "The host's address; null means all of them.",
      resolve: (port) => port.hostIp,
    }),
    hostPort: t.int({
      nullable: true,
      description: 'The port of the host; null if not published.',
      resolve: (port) => port.hostPort,
    }),
    containerPort: t.exposeInt('containerPort', { description: 'The port inside the container.' }),
    protocol: t.field({ type: PortProtocol, description: 'Its protocol.', resolve: (port) => port.protocol }),
  }),
});

export const Container = builder.objectRef<ContainerRow>('Container').implement({
  description: 'A container of a stack as its agent last saw it on the engine.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('containerId', { description: "Docker's id of it." }),
    name: t.exposeString('name', { description: 'Its name on the host.' }),
    agent: t.string({
      description: 'The agent on whose host it is.',
      resolve: async (container, _args, { load }) => (await load(agentById, container.agentId)).name,
    }),
    stack: t.exposeString('stack', { description: 'The stack it belongs to, by its label.' }),
    service: t.exposeString('service', { description: 'The service it belongs to.' }),
    replica: t.exposeInt('replica', { description: 'Its number within the service, from 1.' }),
    revision: t.exposeInt('revision', { description: 'The revision of the stack that made it.' }),
    image: t.exposeString('image', { description: 'The image, as the stack file names it.' }),
    state: t.field({
      type: ContainerState,
      description: "Docker's state of it.",
      resolve: (container) => container.state,
    }),
    health: t.field({ type: Health, description: 'Its health.', resolve: (container) => container.health }),
    exitCode: t.exposeInt('exitCode', {
      nullable: true,
      description: 'With what its process ended; null while it runs.',
    }),
    ports: t.field({ type: [Port], description: 'Its ports.', resolve: (container) => container.ports }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When it was started, by its host's clock.",
      resolve: (container) => container.startedAt,
    }),
    observedAt: t.field({
      type: 'DateTime',
      description: 'When this state was first reported.',
      resolve: (container) => container.observedAt,
    }),
  }),
});
