ALTER TABLE "agents" ADD COLUMN "engine_down_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "engine_problem" text;