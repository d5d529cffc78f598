-- One idea, one name.
ALTER TABLE "agents" RENAME COLUMN "comebacks" TO "takeovers";
--> statement-breakpoint
ALTER TABLE "tasks" RENAME COLUMN "barred" TO "behind_image_gate";
--> statement-breakpoint
ALTER TABLE "tasks" RENAME COLUMN "gates" TO "holds_image_gate";
--> statement-breakpoint
ALTER TABLE "tasks" RENAME COLUMN "may_fail" TO "optional";
--> statement-breakpoint
ALTER INDEX "tasks_gates" RENAME TO "tasks_image_gate";
--> statement-breakpoint
ALTER TABLE "task_blockers" RENAME COLUMN "required" TO "optional";
--> statement-breakpoint
ALTER TABLE "task_blockers" ALTER COLUMN "optional" SET DEFAULT false;
--> statement-breakpoint
UPDATE "task_blockers" SET "optional" = NOT "optional";
--> statement-breakpoint
-- The container that a new one replaces is "previous" everywhere. Finished tasks are changed here, so the guard is off.
ALTER TABLE "tasks" DISABLE TRIGGER tasks_guard;
--> statement-breakpoint
UPDATE "tasks" SET
  "result" = CASE WHEN "result" ->> 'left' = 'OLD' THEN jsonb_set("result", '{left}', '"PREVIOUS"') ELSE "result" END,
  "error" = CASE WHEN "error" ->> 'left' = 'OLD' THEN jsonb_set("error", '{left}', '"PREVIOUS"') ELSE "error" END
WHERE "result" ->> 'left' = 'OLD' OR "error" ->> 'left' = 'OLD';
--> statement-breakpoint
ALTER TABLE "tasks" ENABLE TRIGGER tasks_guard;
--> statement-breakpoint
UPDATE "deployments" SET "cause" = jsonb_set("cause", '{left}', '"PREVIOUS"') WHERE "cause" ->> 'left' = 'OLD';
--> statement-breakpoint
-- The removal of orphans was a REPAIR of no services; it is a kind of its own. A value that ADD VALUE adds cannot be used in
-- the same transaction, so the type is made anew.
ALTER TYPE "public"."deployment_kind" RENAME TO "deployment_kind_before";
--> statement-breakpoint
CREATE TYPE "public"."deployment_kind" AS ENUM('DEPLOY', 'STOP', 'START', 'RESTART', 'DELETE', 'ROLLBACK', 'REPAIR', 'REMOVE_ORPHANS');
--> statement-breakpoint
ALTER TABLE "deployments" ALTER COLUMN "kind" TYPE "public"."deployment_kind" USING (
  CASE WHEN "kind"::text = 'REPAIR' AND "services" IS NOT NULL THEN 'REMOVE_ORPHANS' ELSE "kind"::text END)::"public"."deployment_kind";
--> statement-breakpoint
DROP TYPE "public"."deployment_kind_before";
--> statement-breakpoint
UPDATE "deployments" SET "services" = NULL WHERE "kind" = 'REMOVE_ORPHANS';
--> statement-breakpoint
-- The one table of a task's moves. Whatever code does, a task makes no other.
CREATE OR REPLACE FUNCTION tasks_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.status::text, NEW.status::text) NOT IN (
    ('PENDING', 'PENDING'),   -- what it waits for changes
    ('PENDING', 'RUNNING'),   -- its agent starts it
    ('PENDING', 'FAILED'),    -- its time limit passes while it waits to be tried again
    ('PENDING', 'CANCELLED'), -- a person, a newer deployment, a failed blocker, or the removal of its agent
    ('RUNNING', 'RUNNING'),   -- progress, or a request to cancel it
    ('RUNNING', 'PENDING'),   -- a failure that may pass, or a lost lease
    ('RUNNING', 'COMPLETED'), -- its agent reports it
    ('RUNNING', 'FAILED'),    -- its agent reports it, or a time limit passes
    ('RUNNING', 'CANCELLED')  -- its agent reports it, or is removed, or loses a task that was to be cancelled
  ) THEN
    RAISE EXCEPTION 'task % is % and cannot become %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.attempt < OLD.attempt THEN
    RAISE EXCEPTION 'attempt of task % cannot decrease', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
