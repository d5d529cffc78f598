import { GraphiumError } from '../base/errors.ts';
import type { Vault } from '../db/types.ts';
import type { ContainerTaskSpec, Stored, TaskSpec } from '../db/values.ts';
import type { ContainerSpec, NetworkSpec, StackSpec, VolumeSpec } from '../spec/spec.ts';
import { cannotOpen } from './seal.ts';

/**
 * Specs at rest. The value of a variable may be anywhere in them, so a container, a network or a volume keeps open only
 * what tells where it is and what it takes from others: with a lost key, stacks can still be stopped, deleted, and deployed
 * again from their files. All else is in its field `sealed`, which opens only for the row that it was written to. Rows of
 * versions that sealed nothing have no such field.
 */

const OPEN: Record<PartKind, ReadonlySet<string>> = {
  container: new Set<keyof ContainerSpec>([
    'name',
    'service',
    'replica',
    'image',
    'platform',
    'ports',
    'mounts',
    'networkMode',
    'networks',
    'restart',
    'nanoCpus',
    'memoryBytes',
  ]),
  network: new Set<keyof NetworkSpec>(['name', 'external', 'driver', 'subnet', 'gateway', 'ipRange', 'internal']),
  volume: new Set<keyof VolumeSpec>(['name', 'external', 'driver']),
};

/** What stands for the fields that every part has, where they cannot be opened. */
const UNKNOWN: Record<PartKind, object> = {
  container: { command: null, environment: {}, labels: {}, healthCheck: null } satisfies Partial<ContainerSpec>,
  network: { labels: {} } satisfies Partial<NetworkSpec>,
  volume: {},
};

type PartKind = 'container' | 'network' | 'volume';
type Part = ContainerSpec | NetworkSpec | VolumeSpec;
/** Returns the part as it is to be instead. */
type Change = <P extends Part>(part: P, kind: PartKind) => P;

/** What a sealed spec of a stack or a task belongs to, and opens for again. */
export const revisionOwner = (stackId: string, number: number): string => `revision ${stackId} ${number}`;
export const taskOwner = (id: string): string => `task ${id}`;

export const sealStack = (spec: StackSpec, vault: Vault, owner: string): Stored<StackSpec> =>
  asStored(sealVariables(changeStack(spec, sealing(vault, owner)), vault, owner));

export const sealTask = (spec: TaskSpec, vault: Vault, owner: string): Stored<TaskSpec> =>
  asStored(hasContainer(spec) ? sealVariables(changeTask(spec, sealing(vault, owner)), vault, owner) : spec);

/** Opens what can be opened; a part that cannot stays sealed, and `checkOpen` names it. */
export const openStack = (stored: Stored<StackSpec>, vault: Vault, owner: string): StackSpec =>
  openVariables(changeStack(asRead(stored), opening(vault, owner)), vault, owner);

/** Opens what can be opened, as `openStack` does. */
export function openTask(stored: Stored<TaskSpec>, vault: Vault, owner: string): TaskSpec {
  const spec = asRead(stored);
  return hasContainer(spec) ? openVariables(changeTask(spec, opening(vault, owner)), vault, owner) : spec;
}

type WithVariables = { variables?: Record<string, string> };

function sealVariables<S extends WithVariables>({ variables, ...spec }: S, vault: Vault, owner: string): object {
  return variables ? { ...spec, variables: vault.seal(JSON.stringify(variables), variablesOwner(owner)) } : spec;
}

/** Without them, what a container prints is only hidden less. */
function openVariables<S extends WithVariables>(spec: S, vault: Vault, owner: string): S {
  const { variables, ...rest } = spec as Omit<S, 'variables'> & { variables?: unknown };
  if (typeof variables !== 'string') return rest as S;
  try {
    return { ...rest, variables: JSON.parse(vault.open(variables, variablesOwner(owner))) } as S;
  } catch (error) {
    if (!(error instanceof GraphiumError)) throw error;
    return rest as S;
  }
}

const variablesOwner = (owner: string) => `${owner}: variables`;

/** Returns the spec with names, ports and places, and nothing that is sealed. It needs no key. */
export const outlineOf = (stored: Stored<StackSpec>): StackSpec =>
  withoutVariables(
    changeStack(asRead(stored), (part, kind) => (isSealed(part) ? { ...UNKNOWN[kind], ...part } : part)),
  );

const withoutVariables = ({ variables: _variables, ...spec }: StackSpec): StackSpec => spec;

/** Leaves out the networks and volumes that could not be opened: nobody knows how they were made. */
export const withoutSealed = (spec: StackSpec): StackSpec => ({
  ...spec,
  networks: spec.networks.filter((network) => !isSealed(network)),
  volumes: spec.volumes.filter((volume) => !isSealed(volume)),
});

/** @throws GraphiumError SECRET_KEY_MISMATCH when a part could not be opened */
export function checkOpen(spec: StackSpec | TaskSpec): void {
  const check: Change = (part, kind) => {
    if (isSealed(part)) throw cannotOpen(`The ${kind} "${part.name}"`);
    return part;
  };
  if ('services' in spec) changeStack(spec, check);
  else if (hasContainer(spec)) changeTask(spec, check);
}

const asStored = <T>(spec: object) => spec as Stored<T>;
const asRead = <T>(stored: Stored<T>) => stored as unknown as T;

type Sealed<P> = P & { sealed: string };
const isSealed = <P extends object>(part: P): part is Sealed<P> => 'sealed' in part;
const hasContainer = (spec: TaskSpec): spec is ContainerTaskSpec => 'container' in spec;

function sealing(vault: Vault, owner: string): Change {
  return (part, kind) => {
    const entries = Object.entries(part);
    const open = Object.fromEntries(entries.filter(([key]) => OPEN[kind].has(key)));
    const hidden = Object.fromEntries(entries.filter(([key]) => !OPEN[kind].has(key)));
    return { ...open, sealed: vault.seal(JSON.stringify(hidden), partOwner(owner, kind, part)) } as never;
  };
}

function opening(vault: Vault, owner: string): Change {
  return (part, kind) => {
    if (!isSealed(part)) return part;
    const { sealed, ...open } = part;
    try {
      return { ...open, ...JSON.parse(vault.open(sealed, partOwner(owner, kind, part))) };
    } catch (error) {
      if (!(error instanceof GraphiumError)) throw error;
      return { ...UNKNOWN[kind], ...part };
    }
  };
}

const partOwner = (owner: string, kind: PartKind, { name }: Part) => `${owner}: ${kind} ${name}`;

const changeStack = (spec: StackSpec, change: Change): StackSpec => ({
  ...spec,
  services: spec.services.map((service) => ({ ...service, container: change(service.container, 'container') })),
  ...changeShared(spec, change),
});

const changeTask = (spec: ContainerTaskSpec, change: Change): ContainerTaskSpec => ({
  ...spec,
  container: change(spec.container, 'container'),
  ...changeShared(spec, change),
});

const changeShared = ({ networks, volumes }: Pick<StackSpec, 'networks' | 'volumes'>, change: Change) => ({
  networks: networks.map((network) => change(network, 'network')),
  volumes: volumes.map((volume) => change(volume, 'volume')),
});
