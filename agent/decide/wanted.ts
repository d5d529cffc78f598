/** Pure: whether a container is the one that a job asks for. */
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import type { DeployJob, SeenContainers } from './decision.ts';
import { isMadeHere, type Memory } from './memory.ts';

/**
 * The container must have the spec that is asked for and, if it must follow its image, the image that the name stands for
 * now. The image of a container that this run made is not questioned: the name may move on at any time.
 */
export const isWanted = (
  { deploy }: DeployJob,
  { id, specHash, imageId }: ObservedContainer,
  seen: SeenContainers,
  { phase }: Memory,
): boolean => specHash === deploy.specHash && (isMadeHere(phase, id) || !seen.imageId || imageId === seen.imageId);
