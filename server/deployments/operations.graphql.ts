import type { ArgBuilder } from '@pothos/core';
import { GraphiumError } from '../base/errors.ts';
import { builder } from '../schema/builder.ts';
import { MAX_SCALED_REPLICAS } from '../spec/limits.ts';
import type { StackFile } from './draft.ts';
import { checkKey, Deployment, OnFailure } from './graphql.ts';
import type { OperateOptions } from './operate.ts';
import { operate } from './operate.ts';
import type { Operation } from './operation.ts';

/** The mutations on stacks. */

export const StackSource = builder.inputType('StackSource', {
  description: 'A stack file as text, in exactly one of the formats.',
  isOneOf: true,
  fields: (t) => ({
    jsonld: t.string({ description: 'Graphium JSON-LD.' }),
    compose: t.string({ description: 'The Compose Specification, YAML or JSON.' }),
  }),
});

type Args = ArgBuilder<typeof builder.$inferSchemaTypes>;

export const nameArg = { required: true, description: "The stack's name." } as const;

export const fileArgs = (arg: Args) => ({
  source: arg({ type: StackSource, required: true, description: 'The stack file.' }),
  name: arg.string({ description: 'For a Compose file without `name:`.' }),
  variables: arg({
    type: 'JSON',
    description:
      'For a Compose file: an object of texts by name, for what it refers to with a dollar sign. They are not kept.',
  }),
  profiles: arg.stringList({ description: 'For a Compose file: the profiles whose services are wanted too.' }),
});

const operationArgs = (arg: Args) => ({
  idempotencyKey: arg.string({
    description:
      'The same key with the same input gives the same deployment, however often it is sent; with another input it is an error.',
  }),
  planHash: arg.string({
    description: 'The `planHash` of `planStack`: refused with PLAN_CHANGED if something else would be done by now.',
  }),
  priority: arg.int({
    required: true,
    defaultValue: 0,
    description: 'From -100 to 100. Tasks with a higher one overtake others that wait for the same host.',
  }),
  maxRetries: arg.int({
    required: true,
    defaultValue: 2,
    description: 'How often a task is tried again after a failure that may pass, 0 to 20.',
  }),
  timeoutSeconds: arg.int({
    description:
      'If it is not done by then, it fails: what waits is cancelled, what runs stops at a safe point. A way back that then begins takes as long as it takes. Nothing means never.',
  }),
  taskTimeoutSeconds: arg.int({
    description: 'A task that takes longer, counted from its first start, is stopped at a safe point and fails.',
  }),
});

const deployArgs = (arg: Args) => ({
  ...operationArgs(arg),
  onFailure: arg({
    type: OnFailure,
    description: 'ROLLBACK unless the file says `failure_action: pause`.',
  }),
});

type FileInput = {
  source: { jsonld?: string | null | undefined; compose?: string | null | undefined };
  name?: string | null | undefined;
  variables?: unknown;
  profiles?: readonly string[] | null | undefined;
};

export function toFile({ source, name, variables, profiles }: FileInput): StackFile {
  const format = source.compose == null ? 'JSONLD' : 'COMPOSE';
  if (format === 'JSONLD' && (name != null || variables != null || profiles != null)) {
    throw new GraphiumError(
      'BAD_INPUT',
      'name, variables and profiles are for Compose files; a JSON-LD file says all itself.',
    );
  }
  return {
    format,
    source: source.compose ?? source.jsonld ?? '',
    name: name ?? null,
    variables: toVariables(variables),
    profiles: profiles ?? [],
  };
}

function toVariables(value: unknown): Record<string, string> {
  if (value == null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new GraphiumError('BAD_INPUT', 'variables: expected an object of texts by name, such as {"TAG": "1.27"}.');
  }
  const entries = Object.entries(value).map(([name, text]) => {
    if (!['string', 'number', 'boolean'].includes(typeof text)) {
      throw new GraphiumError('BAD_INPUT', `variables.${name}: expected a text, a number, true or false.`);
    }
    return [name, String(text)];
  });
  return Object.fromEntries(entries);
}

type OptionArgs = {
  idempotencyKey?: string | null | undefined;
  planHash?: string | null | undefined;
  priority: number;
  maxRetries: number;
  timeoutSeconds?: number | null | undefined;
  taskTimeoutSeconds?: number | null | undefined;
  onFailure?: 'ROLLBACK' | 'KEEP' | null | undefined;
};

const WEEK_SECONDS = 7 * 24 * 3600;

export function toOptions(args: OptionArgs): OperateOptions {
  const { priority, maxRetries, timeoutSeconds = null, taskTimeoutSeconds = null } = args;
  checkRange('priority', priority, -100, 100);
  checkRange('maxRetries', maxRetries, 0, 20);
  if (timeoutSeconds !== null) checkRange('timeoutSeconds', timeoutSeconds, 1, WEEK_SECONDS);
  if (taskTimeoutSeconds !== null) checkRange('taskTimeoutSeconds', taskTimeoutSeconds, 1, WEEK_SECONDS);
  return {
    priority,
    maxRetries,
    timeoutSeconds,
    taskTimeoutSeconds,
    onFailure: args.onFailure ?? null,
    planHash: args.planHash ?? null,
    idempotencyKey: checkKey(args.idempotencyKey),
  };
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new GraphiumError('BAD_INPUT', `${name}: expected ${least} to ${most}, got ${value}.`);
}

const operator = { operator: true } as const;

builder.mutationFields((t) => ({
  deployStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Makes hosts run what the file says: a new stack, or a new revision of the one with its name. Returns at once.',
    args: {
      ...fileArgs(t.arg),
      ...deployArgs(t.arg),
      autoRepair: t.arg.boolean({
        description: 'Whether its drift is repaired by itself; nothing leaves it as it is.',
      }),
    },
    resolve: (_root, args, { db, vault, actor }) =>
      operate(
        { db, vault },
        actor,
        { kind: 'DEPLOY', file: toFile(args) },
        { ...toOptions(args), autoRepair: args.autoRepair ?? null },
      ),
  }),
  rollbackStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Makes a stack again what an earlier revision said, as a new revision.',
    args: {
      name: t.arg.string(nameArg),
      toRevision: t.arg.int({ description: 'Its number; nothing means the last good one before the current.' }),
      ...deployArgs(t.arg),
    },
    resolve: (_root, args, { db, vault, actor }) => operate({ db, vault }, actor, toRollback(args), toOptions(args)),
  }),
  scaleStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Gives a service another number of containers, as a new revision. The next deployed file says its own.',
    args: {
      name: t.arg.string(nameArg),
      service: t.arg.string({ required: true, description: 'The service.' }),
      replicas: t.arg.int({
        required: true,
        description: `How many containers it is to have, 0 to ${MAX_SCALED_REPLICAS}.`,
      }),
      ...deployArgs(t.arg),
    },
    resolve: (_root, args, { db, vault, actor }) => {
      const { name: stack, service, replicas } = args;
      return operate({ db, vault }, actor, { kind: 'SCALE', stack, service, replicas }, toOptions(args));
    },
  }),
  stopStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Stops the containers of a stack; nothing is removed.',
    args: { name: t.arg.string(nameArg), ...operationArgs(t.arg) },
    resolve: (_root, args, { db, vault, actor }) =>
      operate({ db, vault }, actor, { kind: 'STOP', stack: args.name }, toOptions(args)),
  }),
  startStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Starts the containers of a stack; makes again what is gone.',
    args: { name: t.arg.string(nameArg), ...operationArgs(t.arg) },
    resolve: (_root, args, { db, vault, actor }) =>
      operate({ db, vault }, actor, { kind: 'START', stack: args.name }, toOptions(args)),
  }),
  restartStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Restarts the containers of a stack, or of some of its services, in the order of their dependencies.',
    args: {
      name: t.arg.string(nameArg),
      services: t.arg.stringList({ description: 'Only these, and what asks to be restarted with them.' }),
      ...operationArgs(t.arg),
    },
    resolve: (_root, args, { db, vault, actor }) => operate({ db, vault }, actor, toRestart(args), toOptions(args)),
  }),
  repairStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Makes a stack again what its current revision says, wherever it is not; see `Stack.drift`.',
    args: { name: t.arg.string(nameArg), ...operationArgs(t.arg) },
    resolve: (_root, args, { db, vault, actor }) =>
      operate({ db, vault }, actor, { kind: 'REPAIR', stack: args.name }, toOptions(args)),
  }),
  deleteStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Removes everything a stack has on any host. It leaves the lists when every host has confirmed.',
    args: {
      name: t.arg.string(nameArg),
      removeVolumes: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Also its named volumes and what is in them.',
      }),
      ...operationArgs(t.arg),
    },
    resolve: (_root, args, { db, vault, actor }) => operate({ db, vault }, actor, toDelete(args), toOptions(args)),
  }),
}));

type Named = { name: string };
export const toRollback = ({
  name: stack,
  toRevision,
}: Named & { toRevision?: number | null | undefined }): Operation => ({
  kind: 'ROLLBACK',
  stack,
  toRevision: toRevision ?? null,
});
export const toRestart = ({
  name: stack,
  services,
}: Named & { services?: readonly string[] | null | undefined }): Operation => ({
  kind: 'RESTART',
  stack,
  services: services ?? null,
});
export const toDelete = ({ name: stack, removeVolumes }: Named & { removeVolumes: boolean }): Operation => ({
  kind: 'DELETE',
  stack,
  removeVolumes,
});
