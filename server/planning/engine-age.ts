import { type Complaint, complaintsOf } from './per-host.ts';
import type { Placed } from './placed.ts';

const ANNOTATIONS_FROM = '1.43';

/**
 * Pure: what a host's Docker engine is too old for, as far as the server can tell before it is tried. The agent alone decides,
 * but only once the images are there.
 * @param apiVersionOf such as "1.41"; undefined where the agent has not said what its engine is
 * @param nameOf an agent's name by its id
 */
export const findTooOld = (
  placed: readonly Placed[],
  apiVersionOf: (agentId: string) => string | undefined,
  nameOf: (agentId: string) => string,
): Complaint[] =>
  complaintsOf(placed, apiVersionOf, (apiVersion, { service, container, agentId }) => {
    const isOld = apiVersion.localeCompare(ANNOTATIONS_FROM, 'en', { numeric: true }) < 0;
    if (!isOld || Object.keys(container.annotations ?? {}).length === 0) return undefined;
    return `the Docker engine of ${nameOf(agentId)} is too old for the annotations of "${service.name}": it has API ${apiVersion}, and ${ANNOTATIONS_FROM} is needed`;
  });
