import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnOwned } from './command.ts';
import { createFirewall } from './network.ts';
import { childrenOf } from './process.ts';

export type EngineOptions = {
  /** The host writes only below this directory. */
  directory: string;
  namespacePath: string;
  /** host:port of the mirror. */
  registry: string;
  /** The parent of the containers' cgroups, by which they can be found again. */
  cgroupParent: string;
};

const START_WITHIN_MS = 30_000;
const INIT_PATHS = ['/usr/bin/docker-init', '/usr/libexec/docker/docker-init', '/usr/local/bin/docker-init'];

export function socketPathOf(directory: string): string {
  return join(directory, 'docker.sock');
}

/**
 * Starts one host: containerd in a pid and a mount namespace of its own, and dockerd next to it. Killing the init of
 * the namespace ends every process of the host, containers included, and removes their mounts; the kernel does so when
 * the owner dies (see spawnOwned). dockerd can be killed on its own without harm to the containers.
 */
export async function startEngine(options: EngineOptions): Promise<void> {
  const { directory, namespacePath } = options;
  await mkdir(directory);
  const path = await createFirewall(namespacePath, directory);
  const containerdSocket = join(directory, 'containerd.sock');
  const init = await startContainerd(directory, namespacePath, containerdSocket);
  await writeFile(join(directory, 'daemon.json'), JSON.stringify(toDaemonConfig(options)));
  const logFile = join(directory, 'dockerd.log');
  const dockerd = spawnOwned(
    'nsenter',
    [
      `--net=${namespacePath}`,
      `--mount=/proc/${init}/ns/mnt`,
      `--pid=/proc/${init}/ns/pid`,
      'dockerd',
      `--config-file=${join(directory, 'daemon.json')}`,
      `--containerd=${containerdSocket}`,
    ],
    logFile,
    { PATH: path },
  );
  await until(() => isEngine(socketPathOf(directory)), dockerd, logFile);
}

/** Whether a Docker engine answers on this socket. */
export function isEngine(socketPath: string, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.on('close', () => resolve(false));
    ping.end();
  });
}

/** Starts containerd and returns the pid of the host's init. */
async function startContainerd(directory: string, namespacePath: string, socketPath: string): Promise<number> {
  const configFile = join(directory, 'containerd.toml');
  const logFile = join(directory, 'containerd.log');
  await writeFile(configFile, toContainerdConfig(directory, socketPath));
  const child = spawnOwned(
    'nsenter',
    [
      `--net=${namespacePath}`,
      ...['unshare', '--mount', '--propagation=slave', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[INIT_PATHS.find(existsSync) ?? 'docker-init', '--', 'containerd', `--config=${configFile}`],
    ],
    logFile,
  );
  await until(() => existsSync(socketPath), child, logFile);
  const [init] = childrenOf(child.pid ?? 0);
  if (init === undefined) throw new Error(`a lab host did not start: ${tailOf(logFile)}`);
  return init;
}

async function until(ready: () => boolean | Promise<boolean>, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + START_WITHIN_MS;
  while (!(await ready())) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`a lab host did not start: ${tailOf(logFile)}`);
    }
    await delay(10);
  }
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
}

/** Goes into a file instead of flags, because dockerd would otherwise read the machine's /etc/docker/daemon.json. */
function toDaemonConfig({ directory, registry, cgroupParent }: EngineOptions) {
  return {
    hosts: [`unix://${socketPathOf(directory)}`],
    'data-root': join(directory, 'data'),
    'exec-root': join(directory, 'exec'),
    pidfile: join(directory, 'dockerd.pid'),
    'registry-mirrors': [`http://${registry}`],
    'insecure-registries': [registry],
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': cgroupParent,
    'live-restore': true,
    'log-level': 'warn',
  };
}

function toContainerdConfig(directory: string, socketPath: string): string {
  return `version = 2
root = "${join(directory, 'containerd')}"
state = "${join(directory, 'tasks')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]

[grpc]
  address = "${socketPath}"

[debug]
  level = "warn"
`;
}
