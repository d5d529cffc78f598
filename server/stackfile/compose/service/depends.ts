/** `depends_on` of a Compose service: a list of names, or a map of conditions. */

import type { Dependency } from '../../../spec/spec.ts';
import { wrongType } from '../../fields.ts';
import { type Field, quote, type Report, type Spot, type Value } from '../../text.ts';
import { readKeys } from '../keys.ts';
import { readFlag, readText, readTextChoice } from '../scalars.ts';

/** `spot` is where the file names the other service. */
export type DependencyDraft = Dependency & { spot: Spot };

const CONDITIONS = {
  service_started: 'STARTED',
  service_healthy: 'HEALTHY',
  service_completed_successfully: 'COMPLETED',
} as const;
const CONDITION_WORDS = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];

export function readDependencies(report: Report, value: Value | undefined): DependencyDraft[] {
  if (value === undefined) return [];
  if (value.kind === 'object') return value.fields.flatMap((field) => readDependency(report, field) ?? []);
  if (value.kind !== 'list') {
    return wrongType(report, value, 'a list of services, or a map {service: {condition}}') ?? [];
  }
  const seen = new Set<string>();
  return value.items.flatMap((item) => {
    const service = readText(report, item, 'the name of a service');
    if (service === undefined) return [];
    if (seen.has(service)) report('DUPLICATE_NAME', item, `expected ${quote(service)} only once`);
    seen.add(service);
    return { spot: { path: item.path, offset: item.offset }, service, ...defaults() };
  });
}

function defaults(): Omit<Dependency, 'service'> {
  return { condition: 'STARTED', required: true, restart: false };
}

function readDependency(report: Report, field: Field): DependencyDraft | undefined {
  const words = ['condition', 'required', 'restart'];
  const fields = readKeys(report, field.value, words, 'a dependency {condition, required, restart}');
  if (!fields) return undefined;
  const condition = readTextChoice(report, fields.get('condition'), CONDITION_WORDS);
  return {
    spot: { path: field.path, offset: field.offset },
    service: field.key,
    condition: CONDITIONS[condition ?? 'service_started'],
    required: readFlag(report, fields.get('required')) ?? true,
    restart: readFlag(report, fields.get('restart')) ?? false,
  };
}
