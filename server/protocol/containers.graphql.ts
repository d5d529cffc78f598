import { ContainerState, Health, PortProtocol } from '../agents/containers.graphql.ts';
import { GraphiumError } from '../base/errors.ts';
import { toStorable } from '../db/values.ts';
import { builder } from '../schema/builder.ts';
import { agentOf } from '../schema/context.ts';
import { reportContainers, reportForeignContainers } from './session.ts';

const PortInput = builder.inputType('PortInput', {
  description: 'A port of a container and where it is published on the host.',
  fields: (t) => ({
    hostIp: t.string({ description: 'The address on the host that the port is published on; null for all addresses.' }),
    hostPort: t.int({ description: 'The port on the host; null if the port is not published.' }),
    containerPort: t.int({ required: true, description: 'The port inside the container.' }),
    protocol: t.field({ type: PortProtocol, required: true, description: 'The transport protocol.' }),
    count: t.int({
      description:
        'The number of ports that this one is the first of, each one higher inside the container and on the host; null for one.',
    }),
  }),
});

const ContainerReport = builder.inputType('ContainerReport', {
  description: "A container with Graphium's labels, as the agent observes it.",
  fields: (t) => ({
    id: t.id({ required: true, description: "The container's ID on the Docker engine." }),
    name: t.string({ required: true, description: "The container's name on the host." }),
    stack: t.string({ required: true, description: 'The value of the label `graphium.stack`.' }),
    service: t.string({ required: true, description: 'The value of the label `graphium.service`.' }),
    replica: t.int({ required: true, description: 'The value of the label `graphium.replica`.' }),
    revision: t.int({ required: true, description: 'The value of the label `graphium.revision`.' }),
    specHash: t.string({
      required: true,
      description: 'The value of the label `graphium.spec`: the hash of the spec that the container was made from.',
    }),
    image: t.string({ required: true, description: 'The image that the container was made from.' }),
    state: t.field({ type: ContainerState, required: true, description: "The container's state." }),
    health: t.field({ type: Health, required: true, description: "The result of the container's health check." }),
    exitCode: t.int({ description: "The exit code of the container's main process; null while it is running." }),
    ports: t.field({ type: [PortInput], required: true, description: "The container's ports." }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When the container was last started, by the clock of the host; null if it never was.',
    }),
    taskId: t.string({
      description: 'The value of the label `graphium.task`: the ID of the task that created the container.',
    }),
  }),
});

/** A host has no more to give, and a few bytes of a report may stand for any number. */
const MOST_PORTS = 131_072;

/** @throws GraphiumError BAD_INPUT */
function checkPorts(containers: readonly (typeof ContainerReport.$inferInput)[]): void {
  let count = 0;
  for (const { ports } of containers) for (const port of ports) count += Math.max(1, port.count ?? 1);
  if (count > MOST_PORTS) {
    throw new GraphiumError('BAD_INPUT', `ports: expected at most ${MOST_PORTS} in one report, got ${count}.`);
  }
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

/** @throws GraphiumError BAD_INPUT */
function unfolded({ count, ...asReported }: typeof PortInput.$inferInput) {
  const port = { ...asReported, hostIp: asReported.hostIp == null ? null : toStorable(asReported.hostIp) };
  if (!isPort(port.containerPort) || (port.hostPort != null && !isPort(port.hostPort))) {
    throw new GraphiumError(
      'BAD_INPUT',
      `ports: expected ports from 1 to 65535, got ${port.hostPort ?? port.containerPort}.`,
    );
  }
  if (count == null) return [port];
  if (count >= 1 && count + Math.max(port.containerPort, port.hostPort ?? 0) <= 65_536) {
    return Array.from({ length: count }, (_, index) => ({
      ...port,
      containerPort: port.containerPort + index,
      hostPort: port.hostPort == null ? port.hostPort : port.hostPort + index,
    }));
  }
  throw new GraphiumError('BAD_INPUT', `ports: expected a count that ends at port 65535 at most, got ${count}.`);
}

/** An index takes no longer ones; no stack has a name of this length. */
const MAX_STACK = 255;

const MAX_FOREIGN = 2_000;
/** A container's own name cannot be longer than a name of a file. */
const toName = (name: string) => toStorable(name).slice(0, 255).toWellFormed();

/** Whoever may run containers on the host gives them any labels, and one of them must not keep the rest from being known. */
const toRow = ({ id, ports, ...rest }: typeof ContainerReport.$inferInput) => ({
  ...rest,
  name: toStorable(rest.name),
  stack: toStorable(rest.stack).slice(0, MAX_STACK).toWellFormed(),
  service: toStorable(rest.service),
  specHash: toStorable(rest.specHash),
  image: toStorable(rest.image),
  ports: ports.flatMap(unfolded),
  containerId: id,
  exitCode: rest.exitCode ?? null,
  startedAt: rest.startedAt ?? null,
  taskId: toStorable(rest.taskId ?? null),
});

builder.mutationFields((t) => ({
  reportContainers: t.boolean({
    authScopes: { agent: true },
    description:
      "For agents: reports all containers with Graphium's labels on the host, in any state. Always returns true.",
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      containers: t.arg({
        type: [ContainerReport],
        required: true,
        description: 'The containers, or as many of them as fit into one message.',
      }),
      others: t.arg.idList({
        description:
          'The IDs of further containers, which are reported in messages of their own. Containers that are in neither list no longer exist.',
      }),
    },
    resolve: async (_root, { epoch, containers, others }, { db, caller }) => {
      const { agentId } = agentOf(caller);
      checkPorts(containers);
      await reportContainers(db, agentId, epoch, containers.map(toRow), (others ?? []).map(String));
      return true;
    },
  }),
  reportForeignContainers: t.boolean({
    authScopes: { agent: true },
    description:
      'For agents: reports which names are taken on the host by containers that Graphium did not make, so that a plan can warn of them. Always returns true.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      names: t.arg.stringList({ required: true, description: 'All of the names, or the first 2,000 of them.' }),
    },
    resolve: async (_root, { epoch, names }, { db, caller }) => {
      if (names.length > MAX_FOREIGN) {
        throw new GraphiumError('BAD_INPUT', `names: expected at most ${MAX_FOREIGN}, got ${names.length}.`);
      }
      await reportForeignContainers(db, agentOf(caller).agentId, epoch, names.map(toName));
      return true;
    },
  }),
}));
