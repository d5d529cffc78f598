/**
 * Keeps track of the labs on this machine and their owners. Invariants: a run's directory, which names its owner,
 * exists from before the first device or process until after the last one; ids are given out and dead runs are cleared
 * under one lock of the machine.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run as runCommand } from './command.ts';
import { namespacePrefixOf, subnetOf, uplinkOf } from './network.ts';
import { findProcess, isAlive, isNamespaceInit, killAll, type ProcessIdentity, processesIn } from './process.ts';

/** One lab's share of the machine: a number, from which names and addresses follow, and a directory. */
export type Run = { id: number; directory: string };

type Owner = ProcessIdentity & { bootId: string };

const ID_COUNT = 512;
const OWNER_FILE = 'owner.json';

/**
 * Clears what dead owners left, and claims the lowest free id for this process. `prepare` runs first under the same
 * lock, so that two labs do not install packages at the same time.
 */
export function openRun(log: (line: string) => void, prepare: () => Promise<void>): Promise<Run> {
  return withLock(async () => {
    await prepare();
    const base = openBase();
    for (const run of runsIn(base)) {
      if (isOwned(run)) continue;
      log(`clearing what lab ${run.id} left behind`);
      await closeRun(run);
    }
    const taken = new Set(runsIn(base).map((run) => run.id));
    const id = Array.from({ length: ID_COUNT }, (_, index) => index).find(
      (index) => !taken.has(index) && isFree(index),
    );
    if (id === undefined) throw new Error('no free address range for a lab in 198.18.0.0/15');
    const run = { id, directory: join(base, String(id)) };
    const owner: Owner = { ...getOwnIdentity(), bootId: bootId() };
    mkdirSync(run.directory, { mode: 0o700 });
    writeFileSync(join(run.directory, OWNER_FILE), JSON.stringify(owner));
    return run;
  });
}

/** Returns the parent of the cgroups of a run's containers. */
export function cgroupParentOf(run: Run): string {
  return `/graphium-lab-${run.id}`;
}

/** Ends every process in the run's namespaces and removes all traces of it, even if some are already gone. */
export async function closeRun(run: Run): Promise<void> {
  const namespaces = namespacesOf(run.id);
  const paths = namespaces.map((name) => `/run/netns/${name}`);
  // Inits first: each takes its host with it in milliseconds, whereas dockerd's threads die slowly on their own (2 s).
  await killAll(processesIn(paths).filter(isNamespaceInit));
  // Twice, because a process may have started another one while the first list was made.
  for (let round = 0; round < 2; round++) await killAll(processesIn(paths));
  if (existsSync(`/sys/class/net/${uplinkOf(run.id)}`)) await runCommand('ip', ['link', 'del', uplinkOf(run.id)]);
  await Promise.all(namespaces.map((name) => runCommand('ip', ['netns', 'del', name])));
  removeShimSockets(run);
  removeCgroups(run);
  const content = readdirSync(run.directory).filter((name) => name !== OWNER_FILE);
  await Promise.all(content.map((name) => rm(join(run.directory, name), { recursive: true, force: true })));
  await rm(run.directory, { recursive: true, force: true });
}

/** Uses an abstract socket as a lock, which the kernel releases when its holder dies, however it dies. */
async function withLock<T>(work: () => Promise<T>): Promise<T> {
  let lock = await tryLock();
  while (!lock) {
    await delay(20);
    lock = await tryLock();
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function tryLock(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: '\0graphium-lab' }, () => resolve(server));
  });
}

/** Labs run as root, so a directory that somebody else made in the shared temporary folder is refused. */
function openBase(): string {
  // The path of a socket may be at most 107 bytes long.
  const base = join(tmpdir().length > 40 ? '/tmp' : tmpdir(), 'graphium-lab');
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const found = lstatSync(base);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${base} belongs to someone else`);
  return base;
}

function runsIn(base: string): Run[] {
  return readdirSync(base)
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ id: Number(name), directory: join(base, name) }));
}

function isOwned(run: Run): boolean {
  try {
    const owner: Owner = JSON.parse(readFileSync(join(run.directory, OWNER_FILE), 'utf8'));
    return owner.bootId === bootId() && isAlive(owner);
  } catch {
    return false;
  }
}

function getOwnIdentity(): ProcessIdentity {
  const own = findProcess(process.pid);
  if (!own) throw new Error('cannot read /proc/self/stat');
  return own;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function namespacesOf(id: number): string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns').filter((name) => name.startsWith(namespacePrefixOf(id)));
}

/** A lab with another TMPDIR, or anything else on the machine, may already use the names or addresses. */
function isFree(id: number): boolean {
  if (existsSync(`/sys/class/net/${uplinkOf(id)}`) || namespacesOf(id).length > 0) return false;
  const address = toNumber(subnetOf(id).split('.').concat('0').map(Number));
  const routes = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1);
  return !routes.some((route) => {
    const fields = route.split('\t');
    const [destination, mask] = [fromHex(fields[1]), fromHex(fields[7])];
    return mask !== 0 && ((address & mask) === (destination & mask) || (destination & 0xffffff00) === (address | 0));
  });
}

function toNumber(bytes: number[]): number {
  return bytes.reduce((number, byte) => (number << 8) | byte, 0);
}

/** /proc/net/route writes addresses as hexadecimal numbers in the machine's (little-endian) byte order. */
function fromHex(text = '0'): number {
  return Buffer.from(text.padStart(8, '0'), 'hex').readInt32LE();
}

/** The containers' shims always put their sockets into /run/containerd/s, wherever containerd's directories are. */
function removeShimSockets(run: Run): void {
  for (const host of readdirSync(run.directory)) {
    const tasks = join(run.directory, host, 'tasks/io.containerd.runtime.v2.task/moby');
    for (const container of existsSync(tasks) ? readdirSync(tasks) : []) {
      const addressFile = join(tasks, container, 'address');
      if (!existsSync(addressFile)) continue;
      const socket = join('/run/containerd/s', basename(readFileSync(addressFile, 'utf8').trim()));
      if (existsSync(socket)) unlinkSync(socket);
    }
  }
}

/** cgroup v1 has one tree for each controller, v2 only one. */
function removeCgroups(run: Run): void {
  const root = '/sys/fs/cgroup';
  const trees = existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : [];
  for (const tree of [root, ...trees]) removeTree(join(tree, cgroupParentOf(run)));
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  rmdirSync(directory);
}
