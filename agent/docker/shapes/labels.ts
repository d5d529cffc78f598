/** Pure: the labels by which Graphium marks what it makes on a host. */
import type { Identity } from './observe.ts';
import type { DeploySpec } from './spec.ts';

export type Labels = Record<string, string>;
export type Owner = Identity & { stack: string; taskId: string };

/** Marks networks and volumes as Graphium's. Agents of one cluster may share them on one engine. */
export const stackLabels = ({ clusterId, agentName, stack }: Omit<Owner, 'taskId'>): Labels => ({
  'graphium.cluster': clusterId,
  'graphium.agent': agentName,
  'graphium.stack': stack,
  'com.docker.compose.project': stack,
});

/** Makes the labels of a container. Graphium's override the user's. */
export const toLabels = ({ container, revision, specHash }: DeploySpec, owner: Owner): Labels => ({
  ...container.labels,
  ...stackLabels(owner),
  'graphium.service': container.service,
  'graphium.replica': String(container.replica),
  'graphium.revision': String(revision),
  'graphium.spec': specHash,
  'graphium.task': owner.taskId,
  'com.docker.compose.service': container.service,
  'com.docker.compose.container-number': String(container.replica),
});
