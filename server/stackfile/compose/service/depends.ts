/** `depends_on` of a Compose service: a list of names, or a map of conditions. */

import type { Dependency } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Entry, Place } from '../../reader.ts';
import type { ComposeReader } from '../reader.ts';

/** `place` is where the file names the other service. */
export type ParsedDependency = Dependency & { place: Place };

const CONDITIONS = {
  service_started: 'STARTED',
  service_healthy: 'HEALTHY',
  service_completed_successfully: 'COMPLETED',
} as const;
const CONDITION_NAMES = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];

export function readDependencies(value: ComposeReader): ParsedDependency[] {
  if (value.kind === 'object') return value.entries.flatMap((entry) => readDependency(entry) ?? []);
  const seen = new Set<string>();
  return (value.list('a list of services, or a map {service: {condition}}') ?? []).flatMap((item) => {
    const service = item.text('the name of a service');
    if (service === undefined) return [];
    if (seen.has(service)) item.report('DUPLICATE_NAME', `expected ${quote(service)} only once`);
    seen.add(service);
    return { place: item, service, condition: 'STARTED', required: true, restart: false };
  });
}

function readDependency(entry: Entry<ComposeReader>): ParsedDependency | undefined {
  const keys = ['condition', 'required', 'restart'];
  const fields = entry.value.map(keys, 'a dependency {condition, required, restart}');
  if (!fields) return undefined;
  const condition = fields.get('condition').choice(CONDITION_NAMES) ?? 'service_started';
  return {
    place: entry,
    service: entry.key,
    condition: CONDITIONS[condition],
    required: fields.get('required').flag() ?? true,
    restart: fields.get('restart').flag() ?? false,
  };
}
