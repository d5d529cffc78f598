import type { introspection } from '../graphql-env.d.ts';
import type { Tone } from './tone.ts';

type Enums = introspection['types'];
type EnumOf<Name extends keyof Enums> = Enums[Name] extends { enumValues: infer Values } ? Values : never;
type Words<Name extends keyof Enums> = Record<EnumOf<Name> & string, { text: string; tone: Tone }>;

/** How the states of the API are called on the page, and what they mean to whoever glances at it. */
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
  STREAM: { text: 'Stream', hint: 'Holds a WebSocket: tasks arrive at once.' },
  POLL: { text: 'Polling', hint: 'WebSocket cannot be had: asks for tasks every 5 seconds.' },
};

export const ROLES: Record<EnumOf<'Role'> & string, { text: string; hint: string }> = {
  VIEWER: { text: 'Viewer', hint: 'sees everything, changes nothing' },
  OPERATOR: { text: 'Operator', hint: 'deploys, stops, starts and deletes stacks' },
  ADMIN: { text: 'Admin', hint: 'also adds agents and makes tokens' },
};

export const PLAN_ACTIONS: Words<'PlanAction'> = {
  NOOP: { text: 'Stays', tone: 'idle' },
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
  UNKNOWN: { text: 'Unknown', tone: 'warn' },
  RUNNING: { text: 'Running', tone: 'warn' },
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
  UNKNOWN_STACK: 'There is no stack of this name.',
  NOT_WANTED: 'The current revision of its stack does not want it there.',
};

/** What stands under a container's name when its task has ended. */
export const LEFT_IN_PLACE: Record<EnumOf<'ContainerLeft'> & string, string> = {
  NEW: 'the new container is in place',
  OLD: 'the container from before is in place',
  NONE: 'no container of this name is left',
};

export const ON_FAILURES: Record<EnumOf<'OnFailure'> & string, string> = {
  ROLLBACK: 'the stack goes back to its last good revision, if it has one',
  KEEP: 'what was done stays',
};
