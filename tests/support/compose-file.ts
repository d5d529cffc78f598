import { STAY } from './stack-file.ts';

/** Compose files for tests, as JSON, which is YAML too. */
export type ComposeService = Record<string, unknown> & { deploy?: Record<string, unknown> };

/** A service of nginx that belongs on that host. */
export const service = (host: string, { deploy = {}, ...more }: ComposeService = {}): ComposeService => ({
  image: 'nginx:alpine',
  deploy: { placement: { constraints: [`node.hostname==${host}`] }, ...deploy },
  ...more,
});

export const composeFile = (name: string, services: Record<string, ComposeService>, more: object = {}): string =>
  JSON.stringify({ name, services, ...more }, null, 1);

type Where = { host?: string; constraints?: string[] };

/** A service of busybox that stays up, ends at once when asked and counts as good after a moment. */
export function busy(where: string | Where | null, { deploy = {}, ...more }: ComposeService = {}): ComposeService {
  const { host, constraints = [] } = typeof where === 'string' ? { host: where } : (where ?? {});
  const all = [...(host ? [`node.hostname==${host}`] : []), ...constraints];
  return {
    image: 'busybox:latest',
    command: STAY.map((word) => word.replaceAll('$', '$$$$')),
    deploy: { placement: { constraints: all }, update_config: { monitor: '100ms' }, ...deploy },
    ...more,
  };
}
