/** The JSON-LD side of a stack file: which types a node may have, and the annotations that every node may carry. */
import { type Fields, readFields, readString, wrongType } from '../fields.ts';
import { quote, type Report, type Value } from '../text.ts';

/** Prefixes (`datacenter:`, `https://schema.org/`) do not matter. */
const TYPES = {
  stack: ['Stack'],
  deployment: ['DeploymentConfiguration', 'Deployment'],
  container: ['Container', 'DockerContainer', 'SoftwareApplication', 'WebApplication', 'Service'],
  host: ['Host', 'DockerHost', 'Server', 'VirtualMachine', 'ComputeNode', 'Place'],
  port: ['Port', 'ContainerPort', 'PortMapping'],
  variable: ['PropertyValue', 'EnvironmentVariable'],
  label: ['PropertyValue', 'Label'],
  mount: ['VolumeMount', 'Volume', 'Mount'],
  resources: ['Resources', 'ResourceRequirements', 'ResourceLimits'],
  healthCheck: ['HealthCheck'],
  network: ['Network', 'DockerNetwork', 'ContainerNetwork'],
} as const;

const ANNOTATIONS = ['@id', '@type', 'name', 'description', 'comment'];

/** A JSON-LD node with these words besides the annotations. */
export function readNode(
  report: Report,
  value: Value,
  kind: keyof typeof TYPES,
  words: readonly string[],
  expected: string,
): Fields | undefined {
  const fields = readFields(
    report,
    value,
    [...words, ...ANNOTATIONS.filter((word) => !words.includes(word))],
    expected,
  );
  if (!fields) return undefined;
  for (const word of ANNOTATIONS) if (word !== '@type') readString(report, fields.get(word));
  checkType(report, fields.get('@type'), kind);
  return fields;
}

/** JSON-LD lets a node have several types; one of them must be ours. */
function checkType(report: Report, type: Value | undefined, kind: keyof typeof TYPES): void {
  if (!type) return;
  const expected = TYPES[kind].join(' or ');
  const known: readonly string[] = kind === 'stack' ? TYPES.stack : [...TYPES[kind], 'Thing'];
  const names = (type.kind === 'list' ? type.items : [type]).map((item) =>
    item.kind === 'string' ? item.text : wrongType(report, item, expected),
  );
  if (names.includes(undefined)) return;
  const isKnown = names.some((name) => name !== undefined && known.includes(name.replace(/^.*[:/#]/s, '')));
  if (!isKnown) {
    report(
      'INVALID_VALUE',
      type,
      `expected the type ${expected}, found ${names.map((name) => quote(name ?? '')).join(', ') || 'none'}`,
    );
  }
}

/** `{"@id": "vm1"}` or just `"vm1"`; a prefix such as `host:` may stand before it. */
export function readReference(report: Report, value: Value, kind: 'host' | 'container', expected: string) {
  if (value.kind !== 'object') return readString(report, value, expected);
  const fields = readNode(report, value, kind, ['@id'], expected);
  if (!fields) return undefined;
  const id = fields.get('@id');
  if (!id) {
    report('MISSING_FIELD', { path: `${value.path}.@id`, offset: value.offset }, `expected "@id": ${expected}`);
    return undefined;
  }
  return id.kind === 'string' ? id : undefined;
}

export function withoutPrefix(id: string, prefix: string): string {
  return id.startsWith(prefix) ? id.slice(prefix.length) : id;
}
