CREATE TYPE "public"."container_state" AS ENUM('CREATED', 'RUNNING', 'PAUSED', 'RESTARTING', 'REMOVING', 'EXITED', 'DEAD');--> statement-breakpoint
CREATE TYPE "public"."deployment_kind" AS ENUM('DEPLOY', 'STOP', 'START', 'RESTART', 'DELETE');--> statement-breakpoint
CREATE TYPE "public"."deployment_status" AS ENUM('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SUPERSEDED');--> statement-breakpoint
CREATE TYPE "public"."desired_state" AS ENUM('RUNNING', 'STOPPED', 'DELETED');--> statement-breakpoint
CREATE TYPE "public"."health" AS ENUM('NONE', 'STARTING', 'HEALTHY', 'UNHEALTHY');--> statement-breakpoint
CREATE TYPE "public"."role" AS ENUM('VIEWER', 'OPERATOR', 'ADMIN');--> statement-breakpoint
CREATE TYPE "public"."stack_format" AS ENUM('COMPOSE', 'JSONLD');--> statement-breakpoint
CREATE TYPE "public"."task_kind" AS ENUM('PULL', 'DEPLOY', 'STOP', 'START', 'RESTART', 'DELETE', 'CLEAN');--> statement-breakpoint
CREATE TYPE "public"."task_phase" AS ENUM('PULLING', 'PREPARING', 'CREATING', 'STARTING', 'VERIFYING', 'STOPPING', 'REMOVING', 'RESTORING', 'CLEANING');--> statement-breakpoint
CREATE TYPE "public"."task_status" AS ENUM('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');--> statement-breakpoint
CREATE TYPE "public"."token_kind" AS ENUM('USER', 'JOIN', 'AGENT');--> statement-breakpoint
CREATE TYPE "public"."transport" AS ENUM('STREAM', 'POLL');--> statement-breakpoint
CREATE TABLE "agents" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"version" text,
	"engine" jsonb,
	"transport" "transport",
	"session_epoch" integer DEFAULT 0 NOT NULL,
	"session_instance" uuid,
	"session_started_at" timestamp with time zone,
	"session_expires_at" timestamp with time zone,
	"replaced_instances" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"comebacks" integer DEFAULT 0 NOT NULL,
	"quarantined_at" timestamp with time zone,
	"removed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"token_id" uuid,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cluster" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"only" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cluster_only_unique" UNIQUE("only")
);
--> statement-breakpoint
CREATE TABLE "containers" (
	"agent_id" uuid NOT NULL,
	"container_id" text NOT NULL,
	"name" text NOT NULL,
	"stack" text NOT NULL,
	"service" text NOT NULL,
	"replica" integer NOT NULL,
	"revision" integer NOT NULL,
	"spec_hash" text NOT NULL,
	"image" text NOT NULL,
	"state" "container_state" NOT NULL,
	"health" "health" NOT NULL,
	"exit_code" integer,
	"ports" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"started_at" timestamp with time zone,
	"observed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "containers_agent_id_container_id_pk" PRIMARY KEY("agent_id","container_id")
);
--> statement-breakpoint
CREATE TABLE "deployments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"stack_id" uuid NOT NULL,
	"kind" "deployment_kind" NOT NULL,
	"revision" integer NOT NULL,
	"status" "deployment_status" DEFAULT 'RUNNING' NOT NULL,
	"remove_volumes" boolean DEFAULT false NOT NULL,
	"idempotency_key" text,
	"input_hash" text NOT NULL,
	"retry_of" uuid,
	"cause" jsonb,
	"created_by" text NOT NULL,
	"cancel_requested_at" timestamp with time zone,
	"superseded_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "placements" (
	"stack_id" uuid NOT NULL,
	"revision" integer NOT NULL,
	"container_name" text NOT NULL,
	"agent_id" uuid NOT NULL,
	CONSTRAINT "placements_stack_id_revision_container_name_agent_id_pk" PRIMARY KEY("stack_id","revision","container_name","agent_id")
);
--> statement-breakpoint
CREATE TABLE "servers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"alive_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stack_revisions" (
	"stack_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"format" "stack_format" NOT NULL,
	"source" text NOT NULL,
	"spec" jsonb NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stack_revisions_stack_id_number_pk" PRIMARY KEY("stack_id","number")
);
--> statement-breakpoint
CREATE TABLE "stacks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"desired" "desired_state" NOT NULL,
	"revision" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "task_blockers" (
	"task_id" uuid NOT NULL,
	"blocked_by" uuid NOT NULL,
	CONSTRAINT "task_blockers_task_id_blocked_by_pk" PRIMARY KEY("task_id","blocked_by")
);
--> statement-breakpoint
CREATE TABLE "task_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"status" "task_status" NOT NULL,
	"phase" "task_phase",
	"attempt" integer NOT NULL,
	"message" text
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"deployment_id" uuid NOT NULL,
	"stack_id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"kind" "task_kind" NOT NULL,
	"position" integer NOT NULL,
	"container_name" text,
	"image" text,
	"spec" jsonb NOT NULL,
	"status" "task_status" DEFAULT 'PENDING' NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"max_failures" integer DEFAULT 3 NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"open_blockers" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp with time zone,
	"deadline" timestamp with time zone,
	"session_epoch" integer,
	"report_seq" integer DEFAULT 0 NOT NULL,
	"phase" "task_phase",
	"progress" jsonb,
	"error" jsonb,
	"result" jsonb,
	"cancel_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "tasks_open_blockers_not_negative" CHECK (open_blockers >= 0)
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"kind" "token_kind" NOT NULL,
	"hash" text NOT NULL,
	"name" text NOT NULL,
	"role" "role",
	"agent_id" uuid,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"agent_name" text,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "containers" ADD CONSTRAINT "containers_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_stack_id_stacks_id_fk" FOREIGN KEY ("stack_id") REFERENCES "public"."stacks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "placements" ADD CONSTRAINT "placements_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stack_revisions" ADD CONSTRAINT "stack_revisions_stack_id_stacks_id_fk" FOREIGN KEY ("stack_id") REFERENCES "public"."stacks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task_blockers" ADD CONSTRAINT "task_blockers_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "public"."tasks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task_blockers" ADD CONSTRAINT "task_blockers_blocked_by_tasks_id_fk" FOREIGN KEY ("blocked_by") REFERENCES "public"."tasks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task_events" ADD CONSTRAINT "task_events_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "public"."tasks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_deployment_id_deployments_id_fk" FOREIGN KEY ("deployment_id") REFERENCES "public"."deployments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_stack_id_stacks_id_fk" FOREIGN KEY ("stack_id") REFERENCES "public"."stacks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "agents_name" ON "agents" USING btree ("name") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "containers_stack" ON "containers" USING btree ("stack");--> statement-breakpoint
CREATE UNIQUE INDEX "deployments_idempotency_key" ON "deployments" USING btree ("idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "deployments_stack" ON "deployments" USING btree ("stack_id","created_at");--> statement-breakpoint
CREATE INDEX "deployments_created" ON "deployments" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "deployments_unfinished" ON "deployments" USING btree ("stack_id") WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX "placements_agent" ON "placements" USING btree ("agent_id");--> statement-breakpoint
CREATE UNIQUE INDEX "stacks_name" ON "stacks" USING btree ("name") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "task_blockers_blocked_by" ON "task_blockers" USING btree ("blocked_by");--> statement-breakpoint
CREATE INDEX "task_events_task" ON "task_events" USING btree ("task_id","id");--> statement-breakpoint
CREATE INDEX "tasks_deployment" ON "tasks" USING btree ("deployment_id","position");--> statement-breakpoint
CREATE INDEX "tasks_created" ON "tasks" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "tasks_pending" ON "tasks" USING btree ("agent_id","priority","created_at") WHERE status = 'PENDING';--> statement-breakpoint
CREATE INDEX "tasks_stack" ON "tasks" USING btree ("stack_id","created_at");--> statement-breakpoint
CREATE INDEX "tasks_unfinished" ON "tasks" USING btree ("agent_id") WHERE status in ('PENDING', 'RUNNING');--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_one_running_per_container" ON "tasks" USING btree ("agent_id","container_name") WHERE status = 'RUNNING' and container_name is not null;--> statement-breakpoint
CREATE INDEX "tokens_agent" ON "tokens" USING btree ("agent_id");