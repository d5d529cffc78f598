import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { StackSpec } from '../spec/spec.ts';
import type {
  EngineFacts,
  Labels,
  ReportedPolicy,
  Stored,
  TaskFailure,
  TaskProgress,
  TaskResult,
  TaskSpec,
  Warning,
} from './values.ts';

/**
 * Invariants that the database keeps by itself (the triggers are in drizzle/0001_guards.sql and drizzle/0004_words.sql): at
 * most one RUNNING task per agent and container name; a task moves only as the table in its guard says, so a finished one
 * never changes; `attempt` and `session_epoch` never decrease. All times are the database's `now()`.
 */

const at = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const createdAt = at('created_at').notNull().defaultNow();

export const stackFormat = pgEnum('stack_format', ['COMPOSE', 'JSONLD']);
export const desiredState = pgEnum('desired_state', ['RUNNING', 'STOPPED', 'DELETED']);
export const deploymentKind = pgEnum('deployment_kind', [
  'DEPLOY',
  'STOP',
  'START',
  'RESTART',
  'DELETE',
  'ROLLBACK',
  'REPAIR',
  'REMOVE_ORPHANS',
]);
export const deploymentStatus = pgEnum('deployment_status', [
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'SUPERSEDED',
  'ROLLED_BACK',
]);
export const onFailure = pgEnum('on_failure', ['ROLLBACK', 'KEEP']);
export const blockerCondition = pgEnum('blocker_condition', ['STARTED', 'COMPLETED']);
export const taskKind = pgEnum('task_kind', ['PULL', 'DEPLOY', 'STOP', 'START', 'RESTART', 'DELETE', 'CLEAN']);
export const taskStatus = pgEnum('task_status', ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED']);
export const taskPhase = pgEnum('task_phase', [
  'PULLING',
  'PREPARING',
  'CREATING',
  'STARTING',
  'VERIFYING',
  'STOPPING',
  'REMOVING',
  'RESTORING',
  'CLEANING',
]);
export const transport = pgEnum('transport', ['STREAM', 'POLL']);
export const containerState = pgEnum('container_state', [
  'CREATED',
  'RUNNING',
  'PAUSED',
  'RESTARTING',
  'REMOVING',
  'EXITED',
  'DEAD',
]);
export const health = pgEnum('health', ['NONE', 'STARTING', 'HEALTHY', 'UNHEALTHY']);
export const tokenKind = pgEnum('token_kind', ['USER', 'JOIN', 'AGENT']);
export const role = pgEnum('role', ['VIEWER', 'OPERATOR', 'ADMIN']);

/** One row, whose id tells this installation from every other one. */
export const cluster = pgTable('cluster', {
  id: uuid('id').primaryKey().defaultRandom(),
  only: boolean('only').notNull().default(true).unique(),
  /** When everything that older versions had stored open was sealed. */
  sealedAt: at('sealed_at'),
  createdAt,
});

/** One row per server process; `alive_at` lets a sweep tell a dead agent from a server that was down. */
export const servers = pgTable('servers', {
  id: uuid('id').primaryKey(),
  aliveAt: at('alive_at').notNull().defaultNow(),
});

export const agents = pgTable(
  'agents',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    name: text('name').notNull(),
    labels: jsonb('labels').$type<Labels>().notNull().default({}),
    version: text('version'),
    engine: jsonb('engine').$type<EngineFacts>(),
    /** Set while the agent cannot reach the Docker engine of its host, with what it met. */
    engineDownSince: at('engine_down_since'),
    engineProblem: text('engine_problem'),
    policy: jsonb('policy').$type<ReportedPolicy>(),
    transport: transport('transport'),
    sessionEpoch: integer('session_epoch').notNull().default(0),
    sessionInstance: uuid('session_instance'),
    sessionStartedAt: at('session_started_at'),
    sessionExpiresAt: at('session_expires_at'),
    /** Instances that a newer one replaced, newest first: one that takes over again is a second living process. */
    replacedInstances: jsonb('replaced_instances').$type<string[]>().notNull().default([]),
    takeovers: integer('takeovers').notNull().default(0),
    quarantinedAt: at('quarantined_at'),
    removedAt: at('removed_at'),
    createdAt,
  },
  (t) => [uniqueIndex('agents_name').on(t.name).where(sql`removed_at is null`)],
);

export const stacks = pgTable(
  'stacks',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    name: text('name').notNull(),
    desired: desiredState('desired').notNull(),
    revision: integer('revision').notNull(),
    /** The newest revision that a deployment brought up as a whole. A rollback returns to it. */
    goodRevision: integer('good_revision'),
    autoRepair: boolean('auto_repair').notNull().default(false),
    /** Automatic repairs since the stack was last without drift for a while; each waits longer than the one before. */
    repairs: integer('repairs').notNull().default(0),
    repairNotBefore: at('repair_not_before'),
    createdAt,
    updatedAt: at('updated_at').notNull().defaultNow(),
    /** Set when every host confirmed the deletion. */
    deletedAt: at('deleted_at'),
  },
  (t) => [uniqueIndex('stacks_name').on(t.name).where(sql`deleted_at is null`)],
);

export const stackRevisions = pgTable(
  'stack_revisions',
  {
    stackId: uuid('stack_id')
      .notNull()
      .references(() => stacks.id),
    number: integer('number').notNull(),
    format: stackFormat('format').notNull(),
    source: text('source').notNull(),
    spec: jsonb('spec').$type<Stored<StackSpec>>().notNull(),
    /** Names of the variables that the file uses; their values are in the spec only, sealed. */
    variableNames: jsonb('variable_names').$type<string[]>().notNull().default([]),
    /** The revision that it was made from without a change, such as by a rollback; itself one that is no copy. */
    copyOf: integer('copy_of'),
    /** Why it differs from what the file says: "web scaled to 3", "as revision 4". */
    note: text('note'),
    createdBy: text('created_by').notNull(),
    createdAt,
  },
  (t) => [primaryKey({ columns: [t.stackId, t.number] })],
);

/** Where a revision's containers go: decided once, when it is deployed, so that every later plan agrees. */
export const placements = pgTable(
  'placements',
  {
    stackId: uuid('stack_id').notNull(),
    revision: integer('revision').notNull(),
    containerName: text('container_name').notNull(),
    agentId: uuid('agent_id')
      .notNull()
      .references(() => agents.id),
  },
  (t) => [
    primaryKey({ columns: [t.stackId, t.revision, t.containerName, t.agentId] }),
    index('placements_agent').on(t.agentId),
  ],
);

export const deployments = pgTable(
  'deployments',
  {
    id: uuid('id').primaryKey(),
    stackId: uuid('stack_id')
      .notNull()
      .references(() => stacks.id),
    kind: deploymentKind('kind').notNull(),
    revision: integer('revision').notNull(),
    status: deploymentStatus('status').notNull().default('RUNNING'),
    removeVolumes: boolean('remove_volumes').notNull().default(false),
    /** What was desired of the stack before: a STOP, START or DELETE that is cancelled restores it. */
    desiredBefore: desiredState('desired_before'),
    /** RESTART: only these services; null: all. */
    services: jsonb('services').$type<string[]>(),
    onFailure: onFailure('on_failure').notNull().default('KEEP'),
    /** The revision that its rollback made, a copy of the good one; the tasks of the rollback have `rollback` set. */
    rollbackRevision: integer('rollback_revision'),
    /** It failed and its tasks have ended: its rollback is to be planned. */
    rollbackDueAt: at('rollback_due_at'),
    priority: integer('priority').notNull().default(0),
    maxRetries: integer('max_retries').notNull().default(2),
    timeoutSeconds: integer('timeout_seconds'),
    /** It fails if it has no verdict by then; null once that has happened. Its rollback is given as long again. */
    deadline: at('deadline'),
    taskTimeoutSeconds: integer('task_timeout_seconds'),
    warnings: jsonb('warnings').$type<Warning[]>().notNull().default([]),
    idempotencyKey: text('idempotency_key'),
    inputHash: text('input_hash').notNull(),
    retryOf: uuid('retry_of'),
    cause: jsonb('cause').$type<TaskFailure>(),
    createdBy: text('created_by').notNull(),
    cancelRequestedAt: at('cancel_requested_at'),
    supersededBy: uuid('superseded_by'),
    createdAt,
    finishedAt: at('finished_at'),
  },
  (t) => [
    uniqueIndex('deployments_idempotency_key').on(t.idempotencyKey).where(sql`idempotency_key is not null`),
    index('deployments_stack').on(t.stackId, t.createdAt),
    index('deployments_created').on(t.createdAt, t.id),
    index('deployments_unfinished').on(t.stackId).where(sql`finished_at is null`),
  ],
);

export const tasks = pgTable(
  'tasks',
  {
    id: uuid('id').primaryKey(),
    deploymentId: uuid('deployment_id')
      .notNull()
      .references(() => deployments.id),
    stackId: uuid('stack_id')
      .notNull()
      .references(() => stacks.id),
    agentId: uuid('agent_id')
      .notNull()
      .references(() => agents.id),
    kind: taskKind('kind').notNull(),
    /** Its place in the plan, for a stable order on the screen. */
    position: integer('position').notNull(),
    containerName: text('container_name'),
    image: text('image'),
    spec: jsonb('spec').$type<Stored<TaskSpec>>().notNull(),
    status: taskStatus('status').notNull().default('PENDING'),
    attempt: integer('attempt').notNull().default(0),
    failures: integer('failures').notNull().default(0),
    maxFailures: integer('max_failures').notNull().default(3),
    priority: integer('priority').notNull().default(0),
    openBlockers: integer('open_blockers').notNull().default(0),
    notBefore: at('not_before'),
    /** While RUNNING: progress must be reported before this time. */
    deadline: at('deadline'),
    sessionEpoch: integer('session_epoch'),
    reportSeq: integer('report_seq').notNull().default(0),
    phase: taskPhase('phase'),
    progress: jsonb('progress').$type<TaskProgress>(),
    error: jsonb('error').$type<TaskFailure>(),
    result: jsonb('result').$type<TaskResult>(),
    cancelRequestedAt: at('cancel_requested_at'),
    /** The pause between the groups of a rollout; it begins when nothing else blocks the task. */
    delayMs: integer('delay_ms').notNull().default(0),
    /** Time limit from its first start; a task that exceeds it is stopped at a safe point and fails. */
    timeoutSeconds: integer('timeout_seconds'),
    timedOutAt: at('timed_out_at'),
    /** It waits until every PULL of its deployment that holds the image gate has completed. */
    behindImageGate: boolean('behind_image_gate').notNull().default(false),
    /** PULL: the containers of all hosts wait for it; false where its own host is offline. */
    holdsImageGate: boolean('holds_image_gate').notNull().default(false),
    /** It belongs to the rollback after a failure. */
    rollback: boolean('rollback').notNull().default(false),
    /** Its failure neither fails the deployment nor begins a rollback. */
    optional: boolean('optional').notNull().default(false),
    createdAt,
    startedAt: at('started_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [
    index('tasks_deployment').on(t.deploymentId, t.position),
    index('tasks_created').on(t.createdAt, t.id),
    index('tasks_image_gate').on(t.deploymentId).where(sql`holds_image_gate`),
    index('tasks_due').on(t.notBefore).where(sql`status = 'PENDING' and not_before is not null`),
    index('tasks_pending').on(t.agentId, t.priority, t.createdAt).where(sql`status = 'PENDING'`),
    index('tasks_stack').on(t.stackId, t.createdAt),
    index('tasks_unfinished').on(t.agentId).where(sql`status in ('PENDING', 'RUNNING')`),
    index('tasks_running').on(t.agentId, t.deadline).where(sql`status = 'RUNNING'`),
    index('tasks_unfinished_of_deployment').on(t.deploymentId).where(sql`status in ('PENDING', 'RUNNING')`),
    index('tasks_agent').on(t.agentId, t.createdAt, t.id),
    uniqueIndex('tasks_one_running_per_container')
      .on(t.agentId, t.containerName)
      .where(sql`status = 'RUNNING' and container_name is not null`),
    check('tasks_open_blockers_not_negative', sql`open_blockers >= 0`),
  ],
);

export const taskBlockers = pgTable(
  'task_blockers',
  {
    taskId: uuid('task_id')
      .notNull()
      .references(() => tasks.id),
    blockedBy: uuid('blocked_by')
      .notNull()
      .references(() => tasks.id),
    /** STARTED: satisfied as soon as the container's process runs, and then deleted. */
    condition: blockerCondition('condition').notNull().default('COMPLETED'),
    /** If true, it is also satisfied when the other task fails. */
    optional: boolean('optional').notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.blockedBy] }), index('task_blockers_blocked_by').on(t.blockedBy)],
);

/** Append-only history of a task's moves. */
export const taskEvents = pgTable(
  'task_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    taskId: uuid('task_id')
      .notNull()
      .references(() => tasks.id),
    at: at('at').notNull().defaultNow(),
    status: taskStatus('status').notNull(),
    phase: taskPhase('phase'),
    attempt: integer('attempt').notNull(),
    message: text('message'),
  },
  (t) => [index('task_events_task').on(t.taskId, t.id)],
);

/** What each agent last saw on its engine; replaced as a whole by every report. */
export const containers = pgTable(
  'containers',
  {
    agentId: uuid('agent_id')
      .notNull()
      .references(() => agents.id),
    containerId: text('container_id').notNull(),
    name: text('name').notNull(),
    stack: text('stack').notNull(),
    service: text('service').notNull(),
    replica: integer('replica').notNull(),
    revision: integer('revision').notNull(),
    specHash: text('spec_hash').notNull(),
    image: text('image').notNull(),
    state: containerState('state').notNull(),
    health: health('health').notNull(),
    exitCode: integer('exit_code'),
    ports: jsonb('ports').$type<ObservedPort[]>().notNull().default([]),
    startedAt: at('started_at'),
    /** The task that made it, by its label. This database may not know it, if it was restored from a backup. */
    taskId: text('task_id'),
    observedAt: at('observed_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.agentId, t.containerId] }), index('containers_stack').on(t.stack)],
);

/** Names that are taken on a host by containers that Graphium did not make. Only plans read them, so agents have none. */
export const foreignContainers = pgTable('foreign_containers', {
  agentId: uuid('agent_id')
    .primaryKey()
    .references(() => agents.id),
  names: jsonb('names').$type<string[]>().notNull(),
});

export type ObservedPort = {
  hostIp?: string | null | undefined;
  hostPort?: number | null | undefined;
  containerPort: number;
  protocol: 'TCP' | 'UDP' | 'SCTP';
};

export const tokens = pgTable(
  'tokens',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    kind: tokenKind('kind').notNull(),
    /** SHA-256 of the secret, hex; the secret has 256 random bits, so no slow hash is needed. */
    hash: text('hash').notNull(),
    name: text('name').notNull(),
    role: role('role'),
    agentId: uuid('agent_id').references(() => agents.id),
    labels: jsonb('labels').$type<Labels>().notNull().default({}),
    /** For a join token: the only agent name that it may enroll. */
    agentName: text('agent_name'),
    createdBy: text('created_by').notNull(),
    createdAt,
    expiresAt: at('expires_at'),
    usedAt: at('used_at'),
    /** For a join token that was used: the agent's token that it was traded for. */
    tradedFor: uuid('traded_for'),
    /** To the minute. */
    lastUsedAt: at('last_used_at'),
    revokedAt: at('revoked_at'),
  },
  (t) => [index('tokens_agent').on(t.agentId)],
);

export const auditLog = pgTable('audit_log', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  at: at('at').notNull().defaultNow(),
  actor: text('actor').notNull(),
  tokenId: uuid('token_id'),
  /** Where the actor's packets came from. */
  address: text('address'),
  action: text('action').notNull(),
  target: text('target').notNull(),
  detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
});

/** A chain over the entries: a seal is a hash of the seal before and its entry, so a head that is kept elsewhere proves all. */
export const auditSeals = pgTable('audit_seals', {
  number: bigint('number', { mode: 'number' }).primaryKey(),
  entryId: bigint('entry_id', { mode: 'number' })
    .notNull()
    .unique()
    .references(() => auditLog.id),
  seal: text('seal').notNull(),
});
