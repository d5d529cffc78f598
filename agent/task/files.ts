/**
 * Configs and secrets: files that a container sees.
 *
 * A config is written into the container's own layer, before its first start. A secret must not get onto a disk: it is
 * kept on the host's tmpfs and mounted into the container, read-only, from
 *
 *     <secrets>/<cluster>/<agent>/<container>/<spec hash>/<n>
 *
 * A config goes the same way where its layer cannot be written, or is hidden there (read-only, below a mount).
 *
 * Invariants: what lies there is on tmpfs and nobody but us can reach it (directories 0700); a container's files are
 * there, and anew, before every create and start, since a reboot empties tmpfs; what no container mounts any more goes
 * when a container of that name is made or removed. Contents are never in a message or a log.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TaskError, toTaskError } from '../docker/errors.ts';
import type { ContainerSpec, DeploySpec, FileSpec } from '../docker/shapes/spec.ts';
import { toTar } from '../docker/tar.ts';
import type { TaskContext } from './context.ts';

export type PlacedFile = { file: FileSpec; path: string };

/** tmpfs and ramfs, as statfs(2) calls them. */
const inMemory = [0x01021994, 0x858458f6];
const groupAndOthers = 0o077;

/** The first of these directories that is there or can be made, is ours alone and lies on tmpfs. */
export async function findSecretsPath(candidates: readonly string[]): Promise<string | undefined> {
  for (const path of candidates) {
    if ((await unfitness(path)) === undefined) return path;
  }
  return undefined;
}

/** Why secrets cannot be kept in this directory, which is made if need be; undefined: they can. */
export async function unfitness(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const { type } = await statfs(path);
    if (!inMemory.includes(type)) return 'it is not on a tmpfs';
    const found = await lstat(path);
    if (!found.isDirectory()) return 'it is not a directory';
    // /dev/shm belongs to everybody: somebody else may have been there first.
    if (found.uid !== process.getuid?.()) return 'it belongs to another user';
    if ((found.mode & groupAndOthers) !== 0) return 'others may reach what is in it (mode 0700 is wanted)';
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The files that are mounted, and from where. Rejects none: whether there is a place at all is asked by `secretsPathOf`. */
export function placeFiles(deploy: DeploySpec, context: TaskContext): PlacedFile[] {
  const files = mountedFiles(deploy.container);
  if (files.length === 0) return [];
  const folder = join(containerFolder(deploy.container.name, context), toPart(deploy.specHash));
  return files.map((file, n) => ({ file, path: join(folder, String(n)) }));
}

const mountedFiles = (container: ContainerSpec): FileSpec[] =>
  (container.files ?? []).filter((file) => isMounted(file, container));

const isMounted = ({ kind, target }: FileSpec, { readOnly, mounts }: ContainerSpec): boolean =>
  kind === 'secret' ||
  readOnly === true ||
  target.startsWith('/dev/') ||
  mounts.some((mount) => target === mount.target || target.startsWith(`${mount.target.replace(/\/+$/, '')}/`));

function containerFolder(name: string, { identity, policy }: TaskContext): string {
  if (policy.secretsPath === undefined) {
    throw new TaskError({
      code: 'SECRETS_UNSUPPORTED',
      message:
        `${name} has secrets, or configs where its own file system cannot be written, and this host has no tmpfs of the ` +
        "agent's to keep them on. Start the agent with --secrets DIR, a directory on a tmpfs that belongs to its user.",
    });
  }
  return join(policy.secretsPath, toPart(identity.clusterId), toPart(identity.agentName), name);
}

/** Of a path: as it is, if that is safe. */
const toPart = (text: string): string =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$/.test(text) ? text : createHash('sha256').update(text).digest('hex');

/** Puts down what the container mounts. To be called before it is created, and before it is started. */
export async function layOutFiles(deploy: DeploySpec, context: TaskContext): Promise<void> {
  const placed = placeFiles(deploy, context);
  const [first] = placed;
  const { secretsPath } = context.policy;
  if (!first || secretsPath === undefined) return;
  const { name } = deploy.container;
  const unfit = await unfitness(secretsPath);
  if (unfit !== undefined) throw unsupported(`${secretsPath} cannot keep the secrets of ${name}: ${unfit}`);
  try {
    await mkdir(dirname(first.path), { recursive: true, mode: 0o700 });
    for (const each of placed) await layOut(each);
  } catch (error) {
    throw toTaskError(error, { code: 'CREATE_FAILED', what: `Writing the secrets of ${name}` });
  }
}

/** A new file takes the old one's place, for a running container may have that mounted. */
async function layOut({ file: { kind, name, content, mode, uid, gid }, path }: PlacedFile): Promise<void> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (own.uid !== 0 && (uid !== own.uid || gid !== own.gid)) {
    throw unsupported(
      `The ${kind} ${name} is to belong to ${uid}:${gid}, and this agent, which is not root, can only give it to ` +
        `${own.uid}:${own.gid}. Ask for that owner, or run the agent as root`,
    );
  }
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.chown(uid, gid);
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
  await rename(fresh, path);
}

const unsupported = (message: string) => new TaskError({ code: 'SECRETS_UNSUPPORTED', message: `${message}.` });

/** Writes the configs into a container that was just created. */
export async function writeConfigs(id: string, { container }: DeploySpec, { engine }: TaskContext): Promise<void> {
  const files = (container.files ?? []).filter((file) => !isMounted(file, container));
  if (files.length === 0) return;
  try {
    const entries = files.map(({ target, content, mode, uid, gid }) => {
      const path = target.split('/').filter(Boolean).join('/');
      return { path, content: Buffer.from(content), mode, uid, gid };
    });
    await engine.putArchive(id, await toTar(entries));
  } catch (error) {
    const names = files.map(({ name, target }) => `${name} (${target})`).join(', ');
    throw toTaskError(error, { code: 'CREATE_FAILED', what: `Writing the configs of ${container.name}, ${names}` });
  }
}

/** Whose files a container has mounted: the names of containers. To be asked before it is removed. */
export async function ownersOfFiles(id: string, context: TaskContext): Promise<string[]> {
  const root = agentFolder(context);
  if (root === undefined || (await entriesOf(root)).length === 0) return [];
  const sources = await context.engine.mountSources(id);
  return [...new Set(sources.flatMap((path) => ownerWithin(root, path) ?? []))];
}

/** Removes what was laid out for containers of this name and that none mounts. */
export async function dropUnusedFiles(name: string, context: TaskContext): Promise<void> {
  const root = agentFolder(context);
  const folders = root === undefined ? [] : await entriesOf(join(root, name));
  if (root === undefined || folders.length === 0) return;
  const { clusterId, agentName } = context.identity;
  const labels = [`graphium.cluster=${clusterId}`, `graphium.agent=${agentName}`];
  const used = await context.engine.mountSourcesOf(labels);
  for (const folder of folders) {
    const path = join(root, name, folder);
    if (!used.some((source) => source.startsWith(`${path}/`))) await rm(path, { recursive: true, force: true });
  }
  await rmdir(join(root, name)).catch(() => {});
}

function agentFolder({ identity, policy }: TaskContext): string | undefined {
  if (policy.secretsPath === undefined) return undefined;
  return join(policy.secretsPath, toPart(identity.clusterId), toPart(identity.agentName));
}

const ownerWithin = (root: string, path: string): string | undefined =>
  path.startsWith(`${root}/`) ? path.slice(root.length + 1).split('/')[0] : undefined;

const entriesOf = (path: string): Promise<string[]> =>
  readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
