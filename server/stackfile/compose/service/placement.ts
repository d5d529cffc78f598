/** `deploy.placement` of a Compose service: which hosts may have its containers. */

import type { Constraint, ServiceSpec } from '../../../spec/spec.ts';
import { required, wrongType } from '../../fields.ts';
import { quote, type Report, type Spot, type Value } from '../../text.ts';
import { compact, orAbsent, readKeys, refuse } from '../keys.ts';
import { misread, readInteger, readText } from '../scalars.ts';

const CONSTRAINT_FORM = '"node.hostname == vm1", or != and node.labels.<label>, node.platform.os or node.platform.arch';
const CONSTRAINT = /^([^=!]+)(==|!=)([^=].*)$/s;

export function readPlacement(
  report: Report,
  value: Value | undefined,
): Pick<ServiceSpec, 'constraints' | 'spread' | 'maxReplicasPerNode'> {
  const words = ['constraints', 'preferences', 'max_replicas_per_node'];
  const fields = readKeys(report, value, words, 'a map {constraints, preferences, max_replicas_per_node}');
  if (!fields) return {};
  return compact({
    constraints: orAbsent(readConstraints(report, fields.get('constraints'))),
    spread: orAbsent(readPreferences(report, fields.get('preferences'))),
    // 0 is Swarm's "no limit".
    maxReplicasPerNode: readInteger(report, fields.get('max_replicas_per_node'), { min: 0 }) || undefined,
  });
}

/** A list of comparisons; the specification also shows a map, which compares for equality. */
function readConstraints(report: Report, value: Value | undefined): Constraint[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind === 'object') {
    return value.fields.flatMap((field) => {
      const text = readText(report, field.value);
      const attribute = readAttribute(report, field, field.key);
      return attribute === undefined || text === undefined ? [] : { attribute, operator: '==', value: text };
    });
  }
  if (value.kind !== 'list') return wrongType(report, value, `a list: ${CONSTRAINT_FORM}`);
  return value.items.flatMap((item) => {
    const [, left, operator, right = ''] = CONSTRAINT.exec(readText(report, item, CONSTRAINT_FORM) ?? '') ?? [];
    if (left === undefined || right.trim() === '') return misread(report, item, CONSTRAINT_FORM) ?? [];
    const attribute = readAttribute(report, item, left.trim());
    return attribute === undefined ? [] : { attribute, operator: operator === '==' ? '==' : '!=', value: right.trim() };
  });
}

function readPreferences(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') return wrongType(report, value, 'a list of {spread: node.labels.<label>}');
  return value.items.flatMap((item) => {
    const fields = readKeys(report, item, ['spread'], 'a preference {spread: node.labels.<label>}');
    const spread = fields && required(report, fields, 'spread', 'an attribute such as node.labels.zone');
    const text = readText(report, spread);
    return spread && text !== undefined ? (readAttribute(report, spread, text.trim()) ?? []) : [];
  });
}

const PLAIN_ATTRIBUTES = ['node.hostname', 'node.platform.os', 'node.platform.arch'];
const SWARM_ONLY = /^(?:node\.(?:id|role|ip)|engine\.labels(?:\..*)?)$/i;

function readAttribute(report: Report, spot: Spot, attribute: string): string | undefined {
  const lowered = attribute.toLowerCase();
  if (PLAIN_ATTRIBUTES.includes(lowered)) return lowered;
  const label = /^node\.labels\.(\S+)$/i.exec(attribute)?.[1];
  if (label !== undefined) return `node.labels.${label}`;
  if (SWARM_ONLY.test(attribute)) {
    refuse(report, spot, quote(attribute), 'it belongs to a Swarm; use node.hostname or node.labels.<label>');
    return undefined;
  }
  const hint =
    /^[\w.-]+$/.test(attribute) && !attribute.startsWith('node.') ? `; for a label: node.labels.${attribute}` : '';
  report('INVALID_VALUE', spot, `expected ${CONSTRAINT_FORM}, found ${quote(attribute)}${hint}`);
  return undefined;
}
