import type { introspection } from '../graphql-env.d.ts';
import type { Tone } from './tone.ts';

type Enums = introspection['types'];
type EnumOf<Name extends keyof Enums> = Enums[Name] extends { enumValues: infer Values } ? Values : never;
type Words<Name extends keyof Enums> = Record<EnumOf<Name> & string, { text: string; tone: Tone }>;

/** What the page calls the states of the API, and what each of them means at a glance. */
export const STACK_STATES: Words<'StackState'> = {
  DEPLOYING: { text: 'Deploying', tone: 'busy' },
  STARTING: { text: 'Starting', tone: 'busy' },
  STOPPING: { text: 'Stopping', tone: 'busy' },
  RESTARTING: { text: 'Restarting', tone: 'busy' },
  DELETING: { text: 'Deleting', tone: 'busy' },
  ROLLING_BACK: { text: 'Rolling back', tone: 'busy' },
  REPAIRING: { text: 'Repairing', tone: 'busy' },
  RUNNING: { text: 'Running', tone: 'good' },
  STOPPED: { text: 'Stopped', tone: 'idle' },
  DEGRADED: { text: 'Degraded', tone: 'warn' },
  UNKNOWN: { text: 'Unknown', tone: 'warn' },
  DELETED: { text: 'Deleted', tone: 'idle' },
};

export const DEPLOYMENT_STATUSES: Words<'DeploymentStatus'> = {
  RUNNING: { text: 'Running', tone: 'busy' },
  SUCCEEDED: { text: 'Succeeded', tone: 'good' },
  FAILED: { text: 'Failed', tone: 'bad' },
  ROLLED_BACK: { text: 'Rolled back', tone: 'warn' },
  CANCELLED: { text: 'Cancelled', tone: 'idle' },
  SUPERSEDED: { text: 'Superseded', tone: 'idle' },
};

export const TASK_STATUSES: Words<'TaskStatus'> = {
  PENDING: { text: 'Waiting', tone: 'idle' },
  RUNNING: { text: 'Running', tone: 'busy' },
  COMPLETED: { text: 'Done', tone: 'good' },
  FAILED: { text: 'Failed', tone: 'bad' },
  CANCELLED: { text: 'Cancelled', tone: 'idle' },
};

export const AGENT_STATES: Words<'AgentState'> = {
  ONLINE: { text: 'Online', tone: 'good' },
  ENGINE_DOWN: { text: 'Docker does not answer', tone: 'bad' },
  OFFLINE: { text: 'Offline', tone: 'warn' },
  QUARANTINED: { text: 'Quarantined', tone: 'bad' },
};

export const CONTAINER_STATES: Words<'ContainerState'> = {
  CREATED: { text: 'Created', tone: 'idle' },
  RUNNING: { text: 'Running', tone: 'good' },
  PAUSED: { text: 'Paused', tone: 'warn' },
  RESTARTING: { text: 'Restarting', tone: 'warn' },
  REMOVING: { text: 'Removing', tone: 'busy' },
  EXITED: { text: 'Exited', tone: 'warn' },
  DEAD: { text: 'Dead', tone: 'bad' },
};

export const HEALTHS: Record<EnumOf<'Health'> & string, { text: string; tone: Tone } | null> = {
  NONE: null,
  STARTING: { text: 'Health: starting', tone: 'busy' },
  HEALTHY: { text: 'Healthy', tone: 'good' },
  UNHEALTHY: { text: 'Unhealthy', tone: 'bad' },
};

export const KINDS: Record<(EnumOf<'DeploymentKind'> | EnumOf<'TaskKind'>) & string, string> = {
  DEPLOY: 'Deploy',
  START: 'Start',
  STOP: 'Stop',
  RESTART: 'Restart',
  DELETE: 'Delete',
  ROLLBACK: 'Roll back',
  REPAIR: 'Repair',
  REMOVE_ORPHANS: 'Remove orphans',
  PULL: 'Pull',
  CLEAN: 'Clean up',
};

export const PHASES: Record<EnumOf<'TaskPhase'> & string, string> = {
  PULLING: 'Pulling',
  PREPARING: 'Preparing',
  CREATING: 'Creating',
  STARTING: 'Starting',
  VERIFYING: 'Verifying',
  STOPPING: 'Stopping',
  REMOVING: 'Removing',
  RESTORING: 'Restoring',
  CLEANING: 'Cleaning up',
};

export const TRANSPORTS: Record<EnumOf<'Transport'> & string, { text: string; hint: string }> = {
  STREAM: { text: 'Stream', hint: 'The agent holds a WebSocket open, so tasks arrive at once.' },
  POLL: { text: 'Polling', hint: 'A WebSocket is not possible, so the agent asks for tasks every 5 seconds.' },
};

export const ROLES: Record<EnumOf<'Role'> & string, { text: string; hint: string }> = {
  VIEWER: { text: 'Viewer', hint: 'can see everything and change nothing' },
  OPERATOR: { text: 'Operator', hint: 'can also deploy, stop, start and delete stacks' },
  ADMIN: { text: 'Admin', hint: 'can also add agents and create tokens' },
};

export const PLAN_ACTIONS: Words<'PlanAction'> = {
  NOOP: { text: 'Unchanged', tone: 'idle' },
  CREATE: { text: 'Create', tone: 'good' },
  REPLACE: { text: 'Replace', tone: 'warn' },
  START: { text: 'Start', tone: 'good' },
  STOP: { text: 'Stop', tone: 'warn' },
  RESTART: { text: 'Restart', tone: 'warn' },
  REMOVE: { text: 'Remove', tone: 'bad' },
};

export const DRIFT_KINDS: Words<'DriftKind'> = {
  MISSING: { text: 'Missing', tone: 'bad' },
  STOPPED: { text: 'Stopped', tone: 'bad' },
  CHANGED: { text: 'Changed', tone: 'warn' },
  UNHEALTHY: { text: 'Unhealthy', tone: 'bad' },
  NOT_WANTED: { text: 'Not wanted', tone: 'warn' },
  RUNNING: { text: 'Running', tone: 'warn' },
  UNKNOWN: { text: 'Unknown', tone: 'warn' },
};

export const DIFFERENCE_CHANGES: Words<'DifferenceChange'> = {
  ADDED: { text: 'Added', tone: 'good' },
  CHANGED: { text: 'Changed', tone: 'warn' },
  REMOVED: { text: 'Removed', tone: 'bad' },
};

export const DIFFERENCE_SUBJECTS: Record<EnumOf<'DifferenceSubject'> & string, string> = {
  SERVICE: 'service',
  NETWORK: 'network',
  VOLUME: 'volume',
};

export const FORMATS: Record<EnumOf<'StackFormat'> & string, string> = {
  COMPOSE: 'Compose',
  JSONLD: 'Graphium JSON-LD',
};

export const ORPHAN_REASONS: Record<EnumOf<'OrphanReason'> & string, string> = {
  UNKNOWN_STACK: 'There is no stack with this name.',
  NOT_WANTED: 'The current revision of its stack does not include it on this host.',
};

/** What a task left under its container's name when it ended. */
export const LEFT_IN_PLACE: Record<EnumOf<'ContainerLeft'> & string, string> = {
  NEW: 'the new container is in place',
  PREVIOUS: 'the previous container is in place',
  NONE: 'no container with this name is left',
};

export const ON_FAILURES: Record<EnumOf<'OnFailure'> & string, string> = {
  ROLLBACK: 'the stack is rolled back to its last good revision, if it has one',
  KEEP: 'what was done is kept',
};
