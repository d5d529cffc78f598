CREATE TABLE "foreign_containers" (
	"agent_id" uuid PRIMARY KEY NOT NULL,
	"names" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "foreign_containers" ADD CONSTRAINT "foreign_containers_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE no action ON UPDATE no action;