/** Pure: checks the exact bodies that Docker would get against this host's policy. Unknown fields are refused. */
import { fields, volumeDriver } from './checks.ts';
import { requiredLimits } from './limits.ts';
import type { Policy } from './schema.ts';
import { bodyFields, networkFields, volumeFields } from './table.ts';

/** Returns why the body of `POST /containers/create` must not be sent, or nothing if it may be. */
export function violations(body: unknown, policy: Policy): string[] {
  const { HostConfig: limits } = (body ?? {}) as { HostConfig?: unknown };
  return [...fields(bodyFields)(body, policy, ''), ...requiredLimits(limits, policy, 'HostConfig')];
}

/** Checks the body of `POST /networks/create`. Messages call the network `name`. */
export const networkBodyViolations = (body: unknown, policy: Policy, name: string): string[] =>
  fields(networkFields)(body, policy, `network ${name}`);

/** Checks the body of `POST /volumes/create`. */
export const volumeBodyViolations = (body: unknown, policy: Policy, name: string): string[] => [
  ...fields(volumeFields)(body, policy, `volume ${name}`),
  ...volumeDriver({ driver: 'Driver', options: 'DriverOpts' })(body, policy, `volume ${name}`),
];
