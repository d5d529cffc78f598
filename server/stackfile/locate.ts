import { locateService as locateInCompose } from './compose/parse.ts';
import { locateHost } from './jsonld/parse.ts';
import type { Position } from './problems.ts';

/** Finds where a Compose file describes a service, or where a JSON-LD file says on which host it runs. */
export function locateService(file: { format: 'JSONLD' | 'COMPOSE'; source: string }, service: string): Position {
  return file.format === 'COMPOSE' ? locateInCompose(file.source, service) : locateHost(file.source, service);
}
