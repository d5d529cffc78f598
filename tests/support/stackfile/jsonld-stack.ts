import type { ContainerSpec, StackSpec } from '../../../server/spec/spec.ts';
import { parseJsonld } from '../../../server/stackfile/jsonld/parse.ts';

/** What a container has that says only its name, web, and its image. */
export const plain: ContainerSpec = {
  name: 'web',
  service: 'web',
  replica: 1,
  image: 'nginx',
  command: null,
  environment: {},
  labels: {},
  ports: [],
  mounts: [],
  networkMode: 'bridge',
  networks: [{ name: 'shop_default', aliases: ['web'] }],
  restart: { name: 'no', maximumRetryCount: 0 },
  nanoCpus: null,
  memoryBytes: null,
  healthCheck: null,
};
export function parse(file: unknown): StackSpec {
  const parsed = parseJsonld(typeof file === 'string' ? file : JSON.stringify(file));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
  return parsed.spec;
}

export function stack(fields: object, containers: object[]) {
  const parts = containers.map((container) => ({ name: 'web', image: 'nginx', ...container }));
  return { '@type': 'Stack', name: 'shop', locatedInHost: 'vm1', hasPart: parts, ...fields };
}
