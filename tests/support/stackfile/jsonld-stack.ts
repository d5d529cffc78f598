import { readFileSync } from 'node:fs';
import type { StackSpec } from '../../../server/spec/spec.ts';
import { parseJsonld } from '../../../server/stackfile/jsonld/parse.ts';

/** The example of the documentation. */
export const EXAMPLE = readFileSync(new URL('../../../examples/nginx-multihost-stack.json', import.meta.url), 'utf8');

/** Gives the spec of a file without problems. */
export function parse(file: unknown): StackSpec {
  const parsed = parseJsonld(typeof file === 'string' ? file : JSON.stringify(file));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
  return parsed.spec;
}

/** Writes a stack; each container is called web and has an image unless it says otherwise. */
export function stack(fields: object, containers: object[]) {
  const parts = containers.map((container) => ({ name: 'web', image: 'nginx', ...container }));
  return { '@type': 'Stack', name: 'shop', locatedInHost: 'vm1', hasPart: parts, ...fields };
}
