import type { ArgBuilder } from '@pothos/core';
import { GraphiumError } from '../base/errors.ts';
import { builder } from '../schema/builder.ts';
import { MAX_REPLICAS } from '../spec/limits.ts';
import type { StackFile } from './draft.ts';
import type { Operation } from './operation.ts';

/** The operations on stacks as inputs of `planStack`; the mutations take the same fields as arguments. */

const StackSource = builder.inputType('StackSource', {
  description: 'The text of a stack file, in exactly one of the two formats. At most 512 KiB.',
  isOneOf: true,
  fields: (t) => ({
    jsonld: t.string({ description: 'A stack file in Graphium JSON-LD.' }),
    compose: t.string({ description: 'A stack file that follows the Compose Specification, as YAML or JSON.' }),
  }),
});

export const nameField = { required: true, description: "The stack's name." } as const;

export const fileFields = {
  source: { type: StackSource, required: true, description: 'The stack file.' },
  name: {
    description:
      "The stack's name, for a Compose file that has no `name:`. BAD_INPUT if given for a JSON-LD file, which names its stack itself.",
  },
  variables: {
    type: 'JSON',
    description:
      'Values for the variables that a Compose file refers to with a dollar sign, as an object of strings by name, such as `{"TAG": "1.27"}`. The values are stored sealed, in what the file becomes. BAD_INPUT if given for a JSON-LD file.',
  },
  profiles: {
    description:
      'The Compose profiles to enable, in addition to the services that have none. BAD_INPUT if given for a JSON-LD file.',
  },
} as const;

export const fileArgs = (arg: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  source: arg(fileFields.source),
  name: arg.string(fileFields.name),
  variables: arg(fileFields.variables),
  profiles: arg.stringList(fileFields.profiles),
});

const DeployInput = builder.inputType('DeployInput', {
  description: 'The stack file to deploy, as in the arguments of `deployStack`.',
  fields: (t) => ({
    source: t.field(fileFields.source),
    name: t.string(fileFields.name),
    variables: t.field(fileFields.variables),
    profiles: t.stringList(fileFields.profiles),
  }),
});

export const scaleFields = {
  service: { required: true, description: "The service's name." },
  replicas: { required: true, description: `The desired number of containers, from 0 to ${MAX_REPLICAS}.` },
} as const;

const ScaleInput = builder.inputType('ScaleInput', {
  description: 'The service to scale, as in the arguments of `scaleStack`.',
  fields: (t) => ({
    name: t.string(nameField),
    service: t.string(scaleFields.service),
    replicas: t.int(scaleFields.replicas),
  }),
});

export const rollbackFields = {
  toRevision: {
    description: 'The number of the revision to return to. If omitted, the last good revision before the current one.',
  },
} as const;

const RollbackInput = builder.inputType('RollbackInput', {
  description: 'The stack to roll back, as in the arguments of `rollbackStack`.',
  fields: (t) => ({ name: t.string(nameField), toRevision: t.int(rollbackFields.toRevision) }),
});

export const restartFields = {
  services: {
    description:
      'The services to restart. Services that depend on them with `restart: true` are restarted too. If omitted, all services.',
  },
} as const;

const RestartInput = builder.inputType('RestartInput', {
  description: 'The services to restart, as in the arguments of `restartStack`.',
  fields: (t) => ({ name: t.string(nameField), services: t.stringList(restartFields.services) }),
});

export const deleteFields = {
  removeVolumes: {
    required: true,
    defaultValue: false,
    description: "If true, the stack's named volumes and the data in them are removed as well. External ones stay.",
  },
} as const;

const DeleteInput = builder.inputType('DeleteInput', {
  description: 'The stack to delete, as in the arguments of `deleteStack`.',
  fields: (t) => ({ name: t.string(nameField), removeVolumes: t.boolean(deleteFields.removeVolumes) }),
});

export const OperationInput = builder.inputType('OperationInput', {
  description: 'An operation on a stack: exactly one of the fields.',
  isOneOf: true,
  fields: (t) => ({
    deploy: t.field({ type: DeployInput, description: 'Deploys a stack file.' }),
    rollback: t.field({ type: RollbackInput, description: 'Rolls a stack back to an earlier revision.' }),
    scale: t.field({ type: ScaleInput, description: 'Changes the number of containers of a service.' }),
    restart: t.field({ type: RestartInput, description: 'Restarts a stack or some of its services.' }),
    delete: t.field({ type: DeleteInput, description: 'Deletes a stack.' }),
    stop: t.string({ description: 'Stops the stack of this name.' }),
    start: t.string({ description: 'Starts the stack of this name.' }),
    repair: t.string({ description: 'Repairs the drift of the stack of this name.' }),
  }),
});

export function toOperation(input: typeof OperationInput.$inferInput): Operation {
  if (input.deploy) return { kind: 'DEPLOY', file: toFile(input.deploy) };
  if (input.rollback) {
    return { kind: 'ROLLBACK', stack: input.rollback.name, toRevision: input.rollback.toRevision ?? null };
  }
  if (input.restart) return { kind: 'RESTART', stack: input.restart.name, services: input.restart.services ?? null };
  if (input.delete) return { kind: 'DELETE', stack: input.delete.name, removeVolumes: input.delete.removeVolumes };
  if (input.scale) {
    const { name: stack, service, replicas } = input.scale;
    return { kind: 'SCALE', stack, service, replicas };
  }
  if (input.stop != null) return { kind: 'STOP', stack: input.stop };
  if (input.start != null) return { kind: 'START', stack: input.start };
  return { kind: 'REPAIR', stack: input.repair ?? '' };
}

type FileInput = {
  source: typeof StackSource.$inferInput;
  name?: string | null | undefined;
  variables?: unknown;
  profiles?: readonly string[] | null | undefined;
};

/** @throws GraphiumError BAD_INPUT */
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
