import { homedir } from 'node:os';
import { join } from 'node:path';
import { isEngine, socketPathOf, startEngine } from './engine.ts';
import { createNetwork, type HostNetwork, type Link, setLink, toNetwork } from './network.ts';
import { hasApt, installPackages, missingPackages } from './packages.ts';
import { registryAt, startRegistry } from './registry.ts';
import { cgroupParentOf, closeRun, openRun, type Run } from './run.ts';

/** A host as plain data, which can be handed to another process. */
export type LabHostData = {
  /** 'localhost-docker', 'vm1' or 'vm2', unless createLab is given other names. */
  name: string;
  /** The IPv4 address where published ports answer: on the lab's bridge, or 127.0.0.1 if one engine is shared. */
  address: string;
  /** The socket of the host's dockerd. */
  socketPath: string;
  /** /run/netns/…; null if one engine is shared. */
  namespacePath: string | null;
  /** Makes a command run inside the host when put in front of it; empty if one engine is shared. */
  spawnPrefix: string[];
  /** The host's cable; null if one engine is shared. */
  link: Link | null;
};

/** `cut` takes the host off the network and `restore` puts it back; both throw if it has no link. */
export type LabHost = LabHostData & { cut(): Promise<void>; restore(): Promise<void> };

/** Images that every host can pull. `big` has several layers of some MB, so that its pull shows progress. */
export type LabImages = { nginx: string; busybox: string; big: string };

export type Lab = {
  /** 'lab': each host has a dockerd. 'shared': all hosts are names for one ordinary engine. */
  mode: 'lab' | 'shared';
  hosts: LabHost[];
  /** The address where a server must listen so that the hosts' agents reach it; 127.0.0.1 if one engine is shared. */
  serverAddress: string;
  images: LabImages;
  /** Stops everything and removes every trace. Stop the agents first. It may be called more than once. */
  close(): Promise<void>;
};

export type LabOptions = { hosts?: string[]; log?: (line: string) => void };

const DEFAULT_HOSTS = ['localhost-docker', 'vm1', 'vm2'];
const HOST_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const LAB_IMAGES: LabImages = { nginx: 'nginx:alpine', busybox: 'busybox:latest', big: 'graphium/big:1' };
/** No public registry has the lab's `graphium/big:1`; this image has several layers of some MB as well. */
const SHARED_IMAGES: LabImages = { ...LAB_IMAGES, big: 'httpd:alpine' };

/**
 * Creates real Docker hosts on this machine, with one dockerd each. It needs root on Linux and some packages of Debian,
 * which it installs if they are missing. First it clears what labs left whose owners died. Call it from the main thread
 * (see spawnOwned), and close the lab on SIGINT and SIGTERM too.
 */
export async function createLab({ hosts = DEFAULT_HOSTS, log = () => {} }: LabOptions = {}): Promise<Lab> {
  if (!isRootOnLinux()) throw new Error('a lab needs root on Linux');
  if (hosts.some((host) => !HOST_NAME.test(host)) || new Set(hosts).size < hosts.length) {
    throw new Error(`host names must be distinct and match ${HOST_NAME}: ${hosts.join(', ')}`);
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
 * Finds Docker hosts with whatever this machine has: it shares an engine that answers; as root on Debian or Ubuntu it
 * creates a lab; otherwise the Error says what to install.
 */
export async function findLab(options: LabOptions = {}): Promise<Lab> {
  const socketPath = await findEngine();
  if (socketPath) {
    options.log?.(`using the Docker engine at ${socketPath} for all hosts`);
    return shareEngine(socketPath, options.hosts ?? DEFAULT_HOSTS);
  }
  if (isLabPossible()) return createLab(options);
  throw new Error(adviceFor(process.platform));
}

/** Whether findLab would start hosts of its own, of which there can be several sets, instead of sharing an engine. */
export async function findsOwnHosts(): Promise<boolean> {
  return isLabPossible() && (await findEngine()) === undefined;
}

/** Whether createLab works without installing anything. */
export function hasLab(): boolean {
  return isRootOnLinux() && missingPackages().length === 0;
}

/** Does what `LabHost.cut` does, for a host that came as plain data. */
export async function cutHost(host: LabHostData): Promise<void> {
  await setLink(linkOf(host), 'down');
}

/** Does what `LabHost.restore` does, for a host that came as plain data. */
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
  // A failure may clear the run only after all have settled; until then they may still start processes.
  const failure = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  let closing: Promise<void> | undefined;
  return {
    mode: 'lab',
    hosts: network.hosts.map((host) => toHost(toHostData(run, host))),
    serverAddress: network.serverAddress,
    images: LAB_IMAGES,
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
    images: SHARED_IMAGES,
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

/** Returns the user's choice if there is one, else where Docker, rootless Docker and Docker Desktop listen. */
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
    'or run this as root on Debian or Ubuntu, where the packages for a lab of three hosts are installed automatically:',
    'docker.io docker-registry iproute2 iptables busybox-static.',
  ].join('\n');
}
