-- A dependency was a service's name; now it also says what is waited for. All of them waited for "good".
UPDATE stack_revisions SET spec = jsonb_set(spec, '{services}', coalesce((
  SELECT jsonb_agg(jsonb_set(service, '{dependsOn}', coalesce((
      SELECT jsonb_agg(jsonb_build_object('service', name, 'condition', 'HEALTHY', 'required', true, 'restart', false) ORDER BY position)
      FROM jsonb_array_elements_text(service -> 'dependsOn') WITH ORDINALITY AS d (name, position)), '[]'::jsonb)) ORDER BY place)
  FROM jsonb_array_elements(spec -> 'services') WITH ORDINALITY AS s (service, place)), '[]'::jsonb));
--> statement-breakpoint
UPDATE stacks s SET good_revision = (
  SELECT max(d.revision) FROM deployments d WHERE d.stack_id = s.id AND d.kind = 'DEPLOY' AND d.status = 'SUCCEEDED');
