import { locateService as locateInCompose } from './compose/parse.ts';
import { locateHost } from './jsonld/parse.ts';
import type { Place } from './text.ts';

/** Where a stack file describes a service, or says on which host it runs. */
export function locateService(file: { format: 'JSONLD' | 'COMPOSE'; source: string }, service: string): Place {
  return file.format === 'COMPOSE' ? locateInCompose(file.source, service) : locateHost(file.source, service);
}
