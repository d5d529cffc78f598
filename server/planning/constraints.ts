import type { Constraint } from '../spec/spec.ts';

/** Pure: Swarm's placement constraints and the attributes that they and spread preferences are about. */
export type Node = {
  name: string;
  labels: Record<string, string>;
  os: string | null;
  arch: string | null;
};

const LABEL = 'node.labels.';
/** The names that `uname -m` and Docker give to architectures which images call by other names. */
const ARCHITECTURES: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  i386: '386',
  i686: '386',
};

/** @returns '' for a label that the agent lacks and for facts that are not known yet; undefined for no attribute at all */
export function attributeOf(node: Node, attribute: string): string | undefined {
  if (attribute.startsWith(LABEL)) {
    const label = attribute.slice(LABEL.length);
    return Object.hasOwn(node.labels, label) ? node.labels[label] : '';
  }
  switch (attribute) {
    case 'node.hostname':
      return node.name;
    case 'node.platform.os':
      return node.os ?? '';
    case 'node.platform.arch':
      return toArchitecture(node.arch ?? '');
  }
}

const toArchitecture = (name: string) => ARCHITECTURES[name.toLowerCase()] ?? name.toLowerCase();

/** Values are compared as Swarm does, without regard to case (moby/swarmkit manager/constraint, `strings.EqualFold`). */
export function satisfies(node: Node, { attribute, operator, value }: Constraint): boolean {
  const found = attributeOf(node, attribute);
  if (found === undefined) return false;
  const expected = attribute === 'node.platform.arch' ? toArchitecture(value) : value;
  return (found.toLowerCase() === expected.toLowerCase()) === (operator === '==');
}

/** Returns one text for each constraint that is not met, such as `constraint node.labels.zone == eu not met: has "us"`. */
export function unmetBy(node: Node, constraints: readonly Constraint[]): string[] {
  return constraints
    .filter((constraint) => !satisfies(node, constraint))
    .map(({ attribute, operator, value }) => {
      const found = attributeOf(node, attribute);
      const has = found === undefined || found === '' ? 'has none' : `has "${found}"`;
      return `constraint ${attribute} ${operator} ${value} not met: ${has}`;
    });
}
