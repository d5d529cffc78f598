/** Says what a policy refuses, and what would have to be in its file to allow it. */
import { TaskError } from '../docker/errors.ts';
import type { Policy } from '../policy/schema.ts';

/** The key of the policy that each kind of refusal is about; what stands in brackets is the value that it needs. */
const KEYS: readonly [RegExp, keyof Policy][] = [
  [/: mounting (\S+) of the host is not allowed/, 'allowBindMounts'],
  [/ gives access to (\S+), which is not allowed by name/, 'allowBindMounts'],
  [/ leads to (\S+) on this host, which is not allowed/, 'allowBindMounts'],
  [/: capability (\S+) is not allowed/, 'allowCapabilities'],
  [/: device rule (.+) is not allowed/, 'allowDeviceCgroupRules'],
  [/: device (\S+) is not allowed/, 'allowDevices'],
  [/: the host's (\w+) namespace is not allowed/, 'allowHostNamespaces'],
  [/: security option (.+) is not allowed/, 'allowSecurityOptions'],
  [/: log driver (\S+) is not allowed/, 'allowLogDrivers'],
  [/: network driver (\S+) is not allowed/, 'allowNetworkDrivers'],
  [/: runtime (\S+) is not allowed/, 'allowRuntimes'],
  [/: parent group (\S+) is not allowed/, 'allowCgroupParents'],
  [/: volume (\S+) is somebody else's/, 'allowVolumes'],
  [/: network (\S+) is somebody else's/, 'allowNetworks'],
  [/: subnet (\S+) is not private/, 'allowSubnets'],
  [/: host port (\S+) is not allowed/, 'allowPorts'],
  [/: host port (\S+) is not among those allowed/, 'allowPorts'],
  [/: ulimit (\S+) is not allowed/, 'allowUlimits'],
  [/: mount propagation (\S+) is not allowed/, 'allowMountPropagation'],
  [/: registry (\S+) is not among those allowed/, 'registries'],
];

export function policyDenied(refused: readonly string[]): TaskError {
  const needed = new Map<string, Set<string>>();
  for (const text of refused) {
    const [key, value] = findKey(text) ?? [];
    if (key !== undefined && value !== undefined) needed.set(key, (needed.get(key) ?? new Set()).add(value));
  }
  const example = JSON.stringify(Object.fromEntries([...needed].map(([key, values]) => [key, [...values]])));
  const wayOut =
    needed.size === 0
      ? 'Only a policy file on the host can allow it.'
      : `To allow it, put ${example} into the policy file of this host and start its agent with --policy FILE.`;
  return new TaskError({
    code: 'POLICY_DENIED',
    message: `This host's policy refuses it: ${refused.join('; ')}. ${wayOut}`,
  });
}

function findKey(text: string): [keyof Policy, string] | undefined {
  for (const [pattern, key] of KEYS) {
    const value = pattern.exec(text)?.[1];
    if (value !== undefined) return [key, value];
  }
  return undefined;
}
