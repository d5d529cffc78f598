/** Reads JSON-LD nodes: which types they may have, the annotations that all may carry, and strict JSON scalars. */
import { type Location, quote } from '../problems.ts';
import { type Fields, listChoices, type Name, Reader } from '../reader.ts';
import type { Value } from '../text.ts';

/** The types of each kind of node. What stands before them (`datacenter:`, `https://schema.org/`) does not matter. */
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
type NodeKind = keyof typeof TYPES;

const ANNOTATIONS = ['@id', '@type', 'name', 'description', 'comment'];

export type JsonldFields = Fields<JsonldReader>;

export class JsonldReader extends Reader<JsonldReader> {
  at(location: Location, value?: Value): JsonldReader {
    return new JsonldReader(this.log, location, value);
  }

  string(expected = 'a string'): string | undefined {
    return this.value?.kind === 'string' ? this.value.text : this.wrongType(expected);
  }

  /** A string that is not empty. */
  filled(expected: string): string | undefined {
    const text = this.string(expected);
    return text === '' ? this.misread(expected) : text;
  }

  /** The string without a report: for the annotations, whose kind `node` has checked already. */
  get stringOrNone(): string | undefined {
    return this.value?.kind === 'string' ? this.value.text : undefined;
  }

  /** The same with its place. */
  get name(): Name | undefined {
    const text = this.stringOrNone;
    return text === undefined ? undefined : { text, place: this };
  }

  boolean(): boolean | undefined {
    return this.value?.kind === 'boolean' ? this.value.boolean : this.wrongType('true or false');
  }

  number({ min, max, integer = false }: { min: number; max: number; integer?: boolean }): number | undefined {
    const expected = `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`;
    if (this.value?.kind !== 'number') return this.wrongType(expected);
    const { number } = this.value;
    if (number >= min && number <= max && (!integer || Number.isInteger(number))) return number;
    return this.misread(expected);
  }

  choice<Choice extends string>(choices: readonly Choice[]): Choice | undefined {
    const expected = listChoices(choices);
    const text = this.string(expected);
    if (text === undefined) return undefined;
    return choices.find((choice) => choice === text) ?? this.misread(expected);
  }

  /** A list in which every item must be a string. */
  strings(): string[] | undefined {
    const texts = this.items.map((item) => item.string());
    return texts.every((text) => text !== undefined) ? texts : undefined;
  }

  /** A list, or (as JSON-LD allows) its only item without the brackets. */
  itemsOrOne(expected: string): JsonldReader[] {
    if (this.kind === 'object') return [this];
    return this.list(expected) ?? [];
  }

  /** A node with these keys besides the annotations. */
  node(kind: NodeKind, keys: readonly string[], expected: string): JsonldFields | undefined {
    const fields = this.fields([...keys, ...ANNOTATIONS.filter((key) => !keys.includes(key))], expected);
    if (!fields) return undefined;
    for (const key of ANNOTATIONS) if (key !== '@type') fields.get(key).string();
    checkType(fields.get('@type'), kind);
    return fields;
  }

  /** `{"@id": "vm1"}` or just `"vm1"`. A prefix such as `host:` may stand before the name. */
  reference(kind: 'host' | 'container', expected: string): Name | undefined {
    if (this.kind === 'object') return this.node(kind, ['@id'], expected)?.required('@id', expected).name;
    this.string(expected);
    return this.name;
  }
}

/** JSON-LD lets a node have several types; one of them must be ours. */
function checkType(type: JsonldReader, kind: NodeKind): void {
  if (type.isAbsent) return;
  const expected = TYPES[kind].join(' or ');
  const known: readonly string[] = kind === 'stack' ? TYPES.stack : [...TYPES[kind], 'Thing'];
  const names = (type.kind === 'list' ? type.items : [type]).map((item) => item.string(expected));
  if (!names.every((name) => name !== undefined)) return;
  if (names.some((name) => known.includes(localName(name)))) return;
  type.report('INVALID_VALUE', `expected the type ${expected}, found ${names.map(quote).join(', ') || 'none'}`);
}

/** Whether the node says that it is of this kind. Nothing is reported. */
export function isOfKind(node: JsonldReader, kind: NodeKind): boolean {
  const type = node.entries.find(({ key }) => key === '@type')?.value;
  const names = type?.kind === 'list' ? type.items : type ? [type] : [];
  const known: readonly string[] = TYPES[kind];
  return names.some(({ stringOrNone: name }) => name !== undefined && known.includes(localName(name)));
}

const localName = (type: string): string => type.replace(/^.*[:/#]/s, '');

export function withoutPrefix(id: string, prefix: string): string {
  return id.startsWith(prefix) ? id.slice(prefix.length) : id;
}
