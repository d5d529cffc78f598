/** `deploy.placement` of a Compose service: which hosts may have its containers. */

import type { Constraint, ServiceSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Place } from '../../reader.ts';
import { compact, orAbsent } from '../compact.ts';
import type { ComposeReader } from '../reader.ts';

const CONSTRAINT_FORM = '"node.hostname == vm1", or != and node.labels.<label>, node.platform.os or node.platform.arch';
const CONSTRAINT = /^([^=!]+)(==|!=)([^=].*)$/s;

export function readPlacement(
  value: ComposeReader,
): Pick<ServiceSpec, 'constraints' | 'spread' | 'maxReplicasPerNode'> {
  const keys = ['constraints', 'preferences', 'max_replicas_per_node'];
  const fields = value.map(keys, 'a map {constraints, preferences, max_replicas_per_node}');
  if (!fields) return {};
  return compact({
    constraints: orAbsent(readConstraints(fields.get('constraints'))),
    spread: orAbsent(readPreferences(fields.get('preferences'))),
    // In Swarm, 0 means no limit.
    maxReplicasPerNode: fields.get('max_replicas_per_node').integer({ min: 0 }) || undefined,
  });
}

/** A list of comparisons. The specification also shows a map, which compares for equality. */
function readConstraints(value: ComposeReader): Constraint[] | undefined {
  if (value.kind === 'object') {
    return value.entries.flatMap((entry) => {
      const text = entry.value.text();
      const attribute = toAttribute(entry, entry.key);
      return attribute === undefined || text === undefined ? [] : { attribute, operator: '==', value: text };
    });
  }
  return value.list(`a list: ${CONSTRAINT_FORM}`)?.flatMap((item) => readConstraint(item) ?? []);
}

function readConstraint(item: ComposeReader): Constraint | undefined {
  const [, left = '', operator, right = ''] = CONSTRAINT.exec(item.written ?? '') ?? [];
  if (right.trim() === '') return item.misread(CONSTRAINT_FORM);
  const attribute = toAttribute(item, left.trim());
  if (attribute === undefined) return undefined;
  return { attribute, operator: operator === '==' ? '==' : '!=', value: right.trim() };
}

function readPreferences(value: ComposeReader): string[] | undefined {
  return value.list('a list of {spread: node.labels.<label>}')?.flatMap((item) => {
    const fields = item.map(['spread'], 'a preference {spread: node.labels.<label>}');
    const spread = fields?.required('spread', 'an attribute such as node.labels.zone');
    const text = spread?.text();
    return spread && text !== undefined ? (toAttribute(spread, text.trim()) ?? []) : [];
  });
}

const PLAIN_ATTRIBUTES = ['node.hostname', 'node.platform.os', 'node.platform.arch'];
const SWARM_ONLY = /^(?:node\.(?:id|role|ip)|engine\.labels(?:\..*)?)$/i;

function toAttribute(place: Place, attribute: string): string | undefined {
  const lowered = attribute.toLowerCase();
  if (PLAIN_ATTRIBUTES.includes(lowered)) return lowered;
  const label = /^node\.labels\.(\S+)$/i.exec(attribute)?.[1];
  if (label !== undefined) return `node.labels.${label}`;
  if (SWARM_ONLY.test(attribute)) {
    return place.refuse(quote(attribute), 'it belongs to a Swarm; use node.hostname or node.labels.<label>');
  }
  const isLabel = /^[\w.-]+$/.test(attribute) && !attribute.startsWith('node.');
  const hint = isLabel ? `; for a label: node.labels.${attribute}` : '';
  return place.report('INVALID_VALUE', `expected ${CONSTRAINT_FORM}, found ${quote(attribute)}${hint}`);
}
