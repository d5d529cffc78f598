import { STAY } from './stack-file.ts';

/** Compose files for tests, as JSON, which is YAML too. */
export type ComposeService = Record<string, unknown> & { deploy?: Record<string, unknown> };

/** A service of nginx that is placed on that host. */
export const service = (host: string, { deploy = {}, ...more }: ComposeService = {}): ComposeService => ({
  image: 'nginx:alpine',
  deploy: { placement: { constraints: [`node.hostname==${host}`] }, ...deploy },
  ...more,
});

export const composeFile = (name: string, services: Record<string, ComposeService>, more: object = {}): string =>
  JSON.stringify({ name, services, ...more }, null, 1);

/** A service of busybox that keeps running, ends at once when asked and counts as good after a moment. */
export const busy = (host: string, { deploy = {}, ...more }: ComposeService = {}): ComposeService =>
  service(host, {
    image: 'busybox:latest',
    command: STAY,
    deploy: { update_config: { monitor: '100ms' }, ...deploy },
    ...more,
  });
