import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMAND_ENV, run } from './command.ts';

/** The switch's end of a host's cable: the port `device` in the network namespace `namespace`. */
export type Link = { namespace: string; device: string };
/** A host's place in the network; `namespacePath` is what nsenter takes. */
export type HostNetwork = { name: string; address: string; namespace: string; namespacePath: string; link: Link };
/** `serverAddress` is the machine's own address on the lab's bridge, `registryAddress` the switch's. */
export type Network = {
  serverAddress: string;
  registryAddress: string;
  switchPath: string;
  hosts: HostNetwork[];
};

const FIRST_HOST = 11;

/** The machine's end of its cable to the switch of lab `id`: the only device that a lab adds outside its namespaces. */
export function uplinkOf(id: number): string {
  return `graphium${id}`;
}

/** Returns what the names of all network namespaces of lab `id` begin with. */
export function namespacePrefixOf(id: number): string {
  return `graphium-${id}-`;
}

/**
 * Returns lab `id`'s /24 without its last number. 198.18.0.0/15 is reserved for test networks (RFC 2544) and holds one
 * /24 for each id from 0 to 511.
 */
export function subnetOf(id: number): string {
  return `198.${18 + (id >> 8)}.${id & 255}`;
}

export function toNetwork(id: number, hostNames: string[]): Network {
  const switchName = `${namespacePrefixOf(id)}switch`;
  return {
    serverAddress: `${subnetOf(id)}.1`,
    registryAddress: `${subnetOf(id)}.2`,
    switchPath: `/run/netns/${switchName}`,
    hosts: hostNames.map((name, index) => ({
      name,
      address: `${subnetOf(id)}.${FIRST_HOST + index}`,
      namespace: `${namespacePrefixOf(id)}host-${name}`,
      namespacePath: `/run/netns/${namespacePrefixOf(id)}host-${name}`,
      link: { namespace: switchName, device: `port${index}` },
    })),
  };
}

/**
 * Lays the cables. The bridge is in a namespace of its own, out of reach of the machine's firewall (and of Docker's
 * FORWARD DROP, which bridge-nf-call-iptables would apply to bridged frames), so no setting of the machine has to
 * change. The hosts have no default route and refuse DNS, so anything outside the lab fails at once instead of hanging.
 */
export async function createNetwork(id: number, network: Network): Promise<void> {
  const { hosts, serverAddress, registryAddress } = network;
  const switchName = `${namespacePrefixOf(id)}switch`;
  await Promise.all(
    [switchName, ...hosts.map((host) => host.namespace)].map((name) => run('ip', ['netns', 'add', name])),
  );
  await batch(
    [],
    [
      `link add ${uplinkOf(id)} type veth peer name uplink netns ${switchName}`,
      `addr add ${serverAddress}/24 dev ${uplinkOf(id)}`,
      `link set ${uplinkOf(id)} up`,
    ],
  );
  await batch(
    ['-n', switchName],
    [
      'link set lo up',
      'link add switch type bridge',
      `addr add ${registryAddress}/24 dev switch`,
      'link set switch up',
      'link set uplink master switch up',
      ...hosts.flatMap((host) => [
        `link add ${host.link.device} type veth peer name eth0 netns ${host.namespace}`,
        `link set ${host.link.device} master switch up`,
      ]),
    ],
  );
  await Promise.all(
    hosts.map((host) =>
      batch(['-n', host.namespace], ['link set lo up', `addr add ${host.address}/24 dev eth0`, 'link set eth0 up']),
    ),
  );
}

/** Pulls the plug or puts it back. While it is out, frames vanish silently, as with a broken cable. */
export async function setLink(link: Link, state: 'up' | 'down'): Promise<void> {
  await run('ip', ['-n', link.namespace, 'link', 'set', link.device, state]);
}

/**
 * Makes a host refuse its own DNS queries, and returns the PATH with which `iptables` works for it: the usual one or,
 * where the kernel lacks nf_tables (Debian's default), one that begins with a directory of the legacy programs.
 */
export async function createFirewall(namespacePath: string, directory: string): Promise<string> {
  const rules = ['udp', 'tcp'].map((protocol) => `-A OUTPUT -p ${protocol} --dport 53 -j REJECT\n`).join('');
  const restore = (program: string) =>
    run('nsenter', [`--net=${namespacePath}`, program, '--noflush'], { input: `*filter\n${rules}COMMIT\n` });
  try {
    await restore('iptables-restore');
    return COMMAND_ENV.PATH;
  } catch (error) {
    if (!existsSync('/usr/sbin/iptables-legacy')) throw error;
    await restore('iptables-legacy-restore');
    const legacy = join(directory, 'iptables-legacy');
    await mkdir(legacy);
    for (const name of ['iptables', 'ip6tables']) await symlink(`/usr/sbin/${name}-legacy`, join(legacy, name));
    return `${legacy}:${COMMAND_ENV.PATH}`;
  }
}

async function batch(options: string[], lines: string[]): Promise<void> {
  await run('ip', [...options, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
