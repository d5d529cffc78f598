CREATE INDEX "tasks_running" ON "tasks" USING btree ("agent_id","deadline") WHERE status = 'RUNNING';--> statement-breakpoint
CREATE INDEX "tasks_unfinished_of_deployment" ON "tasks" USING btree ("deployment_id") WHERE status in ('PENDING', 'RUNNING');--> statement-breakpoint
CREATE INDEX "tasks_agent" ON "tasks" USING btree ("agent_id","created_at","id");