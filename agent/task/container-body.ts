/** Makes the exact body that Docker gets for a container, if this engine and this host's policy accept it. */

import { TaskError } from '../docker/errors.ts';
import { type ContainerBody, lacking, toContainerBody } from '../docker/shapes/body.ts';
import { toEndpoints } from '../docker/shapes/endpoints.ts';
import type { Owner } from '../docker/shapes/labels.ts';
import { bindUnsayable } from '../docker/shapes/mounts.ts';
import { toNetworkBody, toVolumeBody } from '../docker/shapes/parts.ts';
import type { DeploySpec } from '../docker/shapes/spec.ts';
import { isInSecrets } from '../policy/checks.ts';
import type { Policy } from '../policy/schema.ts';
import { joinViolations } from '../policy/table.ts';
import { networkBodyViolations, violations, volumeBodyViolations } from '../policy/violations.ts';
import type { TaskContext } from './context.ts';
import { placeFiles } from './files.ts';
import { policyDenied } from './policy-denied.ts';

/**
 * Throws a TaskError: ENGINE_TOO_OLD, SECRETS_UNSUPPORTED, or POLICY_DENIED for anything that is refused beside the body.
 * The caller checks the body itself with `violations`.
 */
export function bodyFor(deploy: DeploySpec, owner: Owner, context: TaskContext): ContainerBody {
  const { engine, policy } = context;
  const apiVersion = engine.apiVersion();
  const missing = [...lacking(deploy, apiVersion), ...bindUnsayable(deploy, apiVersion)];
  if (missing.length > 0) {
    const message = `This host's engine is too old for ${missing.join('; ')}. Use a newer Docker, or do without.`;
    throw new TaskError({ code: 'ENGINE_TOO_OLD', message });
  }
  const body = toContainerBody(deploy, owner, { apiVersion, files: placeFiles(deploy, context) });
  const beside = besideTheBody(deploy, owner, apiVersion, policy);
  if (beside.length === 0) return body;
  const refused = [...violations(body, policy), ...beside];
  throw policyDenied(refused);
}

function besideTheBody(deploy: DeploySpec, owner: Owner, apiVersion: string, policy: Policy): string[] {
  const { container, networks, volumes } = deploy;
  const [, ...further] = toEndpoints(container, apiVersion);
  return [
    ...container.mounts.flatMap(({ type, source }, index) =>
      type === 'bind' && isInSecrets(source ?? '', policy)
        ? [`mounts.${index}: ${source} is where this agent keeps secrets, which is never mounted`]
        : [],
    ),
    ...networks
      .filter(({ external }) => !external)
      .flatMap((network) => networkBodyViolations(toNetworkBody(network, owner), policy, network.name)),
    ...volumes
      .filter(({ external }) => !external)
      .flatMap((volume) => volumeBodyViolations(toVolumeBody(volume, owner), policy, volume.name)),
    ...further.flatMap(([network, endpoint]) => joinViolations(network, endpoint, policy)),
  ];
}
