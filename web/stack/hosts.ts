import type { Container, Stack, WantedContainer } from './documents.ts';

/** A host's part of a stack: the containers on it, and those that are wanted but were not seen. */
export type Host = {
  agent: string;
  containers: Container[];
  missing: WantedContainer[];
  /** When the host was last seen, if it is away and has containers. */
  unknownSince: string | null;
};

const byName = new Intl.Collator('en', { numeric: true });

export function toStackHosts(stack: Pick<Stack, 'wanted' | 'containers'>): Host[] {
  const agents = new Set([...stack.wanted, ...stack.containers].map((each) => each.agent));
  return [...agents].sort(byName.compare).map((agent) => {
    const containers = stack.containers.filter((each) => each.agent === agent);
    const seen = new Set(containers.map((each) => each.name));
    return {
      agent,
      unknownSince: containers.find((each) => each.unknownSince)?.unknownSince ?? null,
      containers: containers.sort((a, b) => byName.compare(a.name, b.name)),
      missing: stack.wanted.filter((each) => each.agent === agent && !seen.has(each.name)),
    };
  });
}
