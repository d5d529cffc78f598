CREATE TYPE "public"."blocker_condition" AS ENUM('STARTED', 'COMPLETED');--> statement-breakpoint
CREATE TYPE "public"."on_failure" AS ENUM('ROLLBACK', 'KEEP');--> statement-breakpoint
ALTER TYPE "public"."deployment_kind" ADD VALUE 'ROLLBACK';--> statement-breakpoint
ALTER TYPE "public"."deployment_kind" ADD VALUE 'REPAIR';--> statement-breakpoint
ALTER TYPE "public"."deployment_status" ADD VALUE 'ROLLED_BACK';--> statement-breakpoint
ALTER TABLE "containers" ADD COLUMN "task_id" text;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "services" jsonb;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "on_failure" "on_failure" DEFAULT 'KEEP' NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "rollback_revision" integer;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "rollback_due_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "max_retries" integer DEFAULT 2 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "deadline" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "task_timeout_seconds" integer;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "warnings" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "stack_revisions" ADD COLUMN "variable_names" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "stack_revisions" ADD COLUMN "note" text;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "good_revision" integer;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "auto_repair" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "repairs" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "repair_not_before" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "task_blockers" ADD COLUMN "condition" "blocker_condition" DEFAULT 'COMPLETED' NOT NULL;--> statement-breakpoint
ALTER TABLE "task_blockers" ADD COLUMN "required" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "delay_ms" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "timeout_seconds" integer;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "timed_out_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "barred" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "gates" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "rollback" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "may_fail" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "tasks_gates" ON "tasks" USING btree ("deployment_id") WHERE gates;--> statement-breakpoint
CREATE INDEX "tasks_due" ON "tasks" USING btree ("not_before") WHERE status = 'PENDING' and not_before is not null;