import type { Placed } from './placed.ts';

export type Complaint = { service: string; message: string };

/**
 * Pure: asks of each placed container what its host has against it. Replicas that meet the same are told of once.
 * @param factsOf undefined where the agent has not said
 * @param complain says why, in words, or gives nothing
 */
export function complaintsOf<Facts>(
  placed: readonly Placed[],
  factsOf: (agentId: string) => Facts | undefined,
  complain: (facts: Facts, on: Placed) => string | undefined,
): Complaint[] {
  const found = new Map<string, Complaint>();
  for (const on of placed) {
    const facts = factsOf(on.agentId);
    const message = facts && complain(facts, on);
    if (message) found.set(message, { service: on.service.name, message });
  }
  return [...found.values()];
}
