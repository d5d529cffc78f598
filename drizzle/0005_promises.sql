ALTER TABLE "deployments" ADD COLUMN "desired_before" "desired_state";--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "timeout_seconds" integer;--> statement-breakpoint
ALTER TABLE "stack_revisions" ADD COLUMN "copy_of" integer;--> statement-breakpoint
UPDATE "deployments" SET "timeout_seconds" = greatest(1, round(extract(epoch from "deadline" - "created_at")))
WHERE "deadline" IS NOT NULL;
--> statement-breakpoint
-- Revisions that are copies said so in their notes only. A copy of a copy is a copy of the first.
UPDATE "stack_revisions" SET "copy_of" = substring("note" from '^(?:as )?revision (\d+)(?:, after a failure|, placed again)?$')::integer
WHERE "note" ~ '^(as )?revision \d+(, after a failure|, placed again)?$';
--> statement-breakpoint
WITH RECURSIVE origins AS (
  SELECT stack_id, number, copy_of AS origin FROM stack_revisions WHERE copy_of IS NOT NULL
  UNION
  SELECT o.stack_id, o.number, r.copy_of FROM origins o
  JOIN stack_revisions r ON r.stack_id = o.stack_id AND r.number = o.origin WHERE r.copy_of < o.origin
)
UPDATE "stack_revisions" r SET "copy_of" = first.origin
FROM (SELECT stack_id, number, min(origin) AS origin FROM origins GROUP BY stack_id, number) first
WHERE first.stack_id = r.stack_id AND first.number = r.number;
