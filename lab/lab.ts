import { homedir } from 'node:os';
import { join } from 'node:path';
import { isEngine, socketPathOf, startEngine } from './engine.ts';
import { createNetwork, type HostNetwork, type Link, setLink, toNetwork } from './network.ts';
import { hasApt, installPackages, missingPackages } from './packages.ts';
import { registryAt, startRegistry } from './registry.ts';
import { cgroupParentOf, closeRun, openRun, type Run } from './run.ts';

/** A host as plain data, which can be handed to another process. */
export type LabHostData = {
  /** 'localhost-docker', 'vm1' or 'vm2', unless createLab was given other names. */
  name: string;
  /** IPv4 address on the lab's bridge where published ports answer; 127.0.0.1 when one engine stands for all hosts. */
  address: string;
  /** Of the host's dockerd. */
  socketPath: string;
  /** /run/netns/…; null when one engine stands for all hosts. */
  namespacePath: string | null;
  /** To be put before a command so that it runs inside the host; empty when one engine stands for all hosts. */
  spawnPrefix: string[];
  /** The host's cable; null when one engine stands for all hosts. */
  link: Link | null;
};

/** `cut` takes the host's link to everything away, `restore` gives it back; both throw when there is no link. */
export type LabHost = LabHostData & { cut(): Promise<void>; restore(): Promise<void> };

/** Image references that every host can pull. `big` has several layers of some MB, so that a pull has progress. */
export type LabImages = { nginx: string; busybox: string; big: string };

export type Lab = {
  /** 'lab': a dockerd per host. 'shared': the hosts are three names of one ordinary engine. */
  mode: 'lab' | 'shared';
  hosts: LabHost[];
  /** Where a server must listen for the hosts' agents to reach it; 127.0.0.1 if shared. */
  serverAddress: string;
  images: LabImages;
  /** Stops everything and removes every trace; may be called again. Agents should have been stopped before. */
  close(): Promise<void>;
};

export type LabOptions = { hosts?: string[]; log?: (line: string) => void };

const defaultHosts = ['localhost-docker', 'vm1', 'vm2'];
const hostName = /^[a-z0-9][a-z0-9-]{0,62}$/;
const labImages: LabImages = { nginx: 'nginx:alpine', busybox: 'busybox:latest', big: 'graphium/big:1' };
/** The lab's own `graphium/big:1` is in no public registry; this one has several layers of some MB as well. */
const sharedImages: LabImages = { ...labImages, big: 'httpd:alpine' };

/**
 * Real Docker hosts on this machine, one dockerd each. Needs root on Linux and Debian's packages, which it installs
 * when they are missing. Leftovers of labs whose owner died are cleared first. To be called from the main thread
 * (see spawnOwned); the caller closes it, on SIGINT and SIGTERM too.
 */
export async function createLab({ hosts = defaultHosts, log = () => {} }: LabOptions = {}): Promise<Lab> {
  if (!isRootOnLinux()) throw new Error('a lab needs root on Linux');
  if (hosts.some((host) => !hostName.test(host)) || new Set(hosts).size < hosts.length) {
    throw new Error(`host names must be distinct and match ${hostName}: ${hosts.join(', ')}`);
  }
  const run = await openRun(log, () => installPackages(missingPackages(), log));
  try {
    return await startLab(run, hosts, log);
  } catch (error) {
    await closeRun(run);
    throw error;
  }
}

/**
 * Docker hosts by whatever this machine has: an engine that answers stands for all of them; root on Debian or Ubuntu
 * gets a lab; otherwise the Error says what to install.
 */
export async function findLab(options: LabOptions = {}): Promise<Lab> {
  const socketPath = await findEngine();
  if (socketPath) {
    options.log?.(`using the Docker engine at ${socketPath} for all hosts`);
    return shareEngine(socketPath, options.hosts ?? defaultHosts);
  }
  if (isLabPossible()) return createLab(options);
  throw new Error(adviceFor(process.platform));
}

/** Whether findLab would start hosts of its own, of which there can be several sets, instead of sharing an engine. */
export async function findsOwnHosts(): Promise<boolean> {
  return isLabPossible() && (await findEngine()) === undefined;
}

/** Whether createLab could work at once, without installing anything. */
export function hasLab(): boolean {
  return isRootOnLinux() && missingPackages().length === 0;
}

/** `LabHost.cut` for a host that came as plain data. */
export async function cutHost(host: LabHostData): Promise<void> {
  await setLink(linkOf(host), 'down');
}

/** `LabHost.restore` for a host that came as plain data. */
export async function restoreHost(host: LabHostData): Promise<void> {
  await setLink(linkOf(host), 'up');
}

async function startLab(run: Run, hostNames: string[], log: (line: string) => void): Promise<Lab> {
  const network = toNetwork(run.id, hostNames);
  const registry = registryAt(network.registryAddress);
  log(`starting ${hostNames.length} Docker hosts: ${network.hosts.map((h) => `${h.name} ${h.address}`).join(', ')}`);
  await createNetwork(run.id, network);
  const starts = [
    startRegistry({ directory: run.directory, namespacePath: network.switchPath, address: network.registryAddress }),
    ...network.hosts.map((host) =>
      startEngine({
        directory: directoryOf(run, host.name),
        namespacePath: host.namespacePath,
        registry,
        cgroupParent: cgroupParentOf(run),
      }),
    ),
  ];
  // All must have settled before a failure may clear the run, or one of them would go on starting processes.
  const failure = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  let closing: Promise<void> | undefined;
  return {
    mode: 'lab',
    hosts: network.hosts.map((host) => toHost(toHostData(run, host))),
    serverAddress: network.serverAddress,
    images: labImages,
    close: () => {
      closing ??= closeRun(run);
      return closing;
    },
  };
}

function shareEngine(socketPath: string, hostNames: string[]): Lab {
  return {
    mode: 'shared',
    hosts: hostNames.map((name) =>
      toHost({ name, address: '127.0.0.1', socketPath, namespacePath: null, spawnPrefix: [], link: null }),
    ),
    serverAddress: '127.0.0.1',
    images: sharedImages,
    close: async () => {},
  };
}

function toHostData(run: Run, { name, address, namespacePath, link }: HostNetwork): LabHostData {
  return {
    name,
    address,
    socketPath: socketPathOf(directoryOf(run, name)),
    namespacePath,
    spawnPrefix: ['nsenter', `--net=${namespacePath}`],
    link,
  };
}

function toHost(host: LabHostData): LabHost {
  return { ...host, cut: () => cutHost(host), restore: () => restoreHost(host) };
}

function directoryOf(run: Run, hostName: string): string {
  return join(run.directory, `host-${hostName}`);
}

function linkOf(host: LabHostData): Link {
  if (!host.link) throw new Error(`${host.name} shares an ordinary Docker engine: there is no link to cut`);
  return host.link;
}

function isLabPossible(): boolean {
  return isRootOnLinux() && (hasApt() || missingPackages().length === 0);
}

/** The socket of an ordinary engine that answers. */
async function findEngine(): Promise<string | undefined> {
  for (const socketPath of engineSockets()) if (await isEngine(socketPath)) return socketPath;
  return undefined;
}

function isRootOnLinux(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/** Where an engine may listen: the user's choice only, or the places of Docker, rootless Docker and Docker Desktop. */
function engineSockets(): string[] {
  const chosen = process.env.DOCKER_HOST;
  if (chosen) return chosen.startsWith('unix://') ? [chosen.slice('unix://'.length)] : [];
  const runtime = process.env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    join(homedir(), '.docker/run/docker.sock'),
  ];
}

function adviceFor(platform: NodeJS.Platform): string {
  const chosen = process.env.DOCKER_HOST;
  if (chosen) return `No Docker engine answers at DOCKER_HOST=${chosen}; give a unix:// address of a running engine.`;
  if (platform !== 'linux') return 'No Docker engine answers: install Docker Desktop (or another engine) and start it.';
  return [
    'No Docker engine answers at /var/run/docker.sock. Either install Docker and start it',
    '(https://docs.docker.com/engine/install/; a user who is not root must be in the group "docker"),',
    'or run this as root on Debian or Ubuntu, where the packages for a lab of three hosts are installed by themselves:',
    'docker.io docker-registry iproute2 iptables busybox-static.',
  ].join('\n');
}
