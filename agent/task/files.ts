/**
 * Gives a container its configs and secrets as files.
 *
 * A config is written into the container's own layer before its first start. A secret must not reach a disk, so it stays
 * on the host's tmpfs and is mounted into the container, read-only, from
 *
 *     <secrets>/<cluster>/<agent>/<container>/<spec hash>/<n>
 *
 * beside a file `stack` with the name of the stack.
 *
 * A config is mounted in the same way if the layer cannot be written (read-only) or is hidden at its path (by a mount).
 *
 * Invariants: the directory is on tmpfs, and only this user can reach it (directories 0700). A container's files are
 * written anew before every create and start, because a reboot empties tmpfs. Files that no container mounts any more
 * are removed when a container of that name is made or removed, or its stack is cleaned up. Contents never appear in a
 * message or a log.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DeployJob } from '../decide/decision.ts';
import { TaskError, toTaskError } from '../docker/errors.ts';
import type { ContainerSpec, DeploySpec, FileSpec } from '../docker/shapes/spec.ts';
import { toTar } from '../docker/tar.ts';
import type { TaskContext } from './context.ts';

export type PlacedFile = { file: FileSpec; path: string };

/** The numbers of tmpfs and ramfs in statfs(2). */
const IN_MEMORY = [0x01021994, 0x858458f6];
const GROUP_AND_OTHERS = 0o077;

/** Returns the first of these directories that can keep secrets; it is made if need be. */
export async function findSecretsPath(candidates: readonly string[]): Promise<string | undefined> {
  for (const path of candidates) {
    if ((await unfitness(path)) === undefined) return path;
  }
  return undefined;
}

/** Returns why secrets cannot be kept in this directory, which is made if need be, or undefined if they can. */
export async function unfitness(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const { type } = await statfs(path);
    if (!IN_MEMORY.includes(type)) return 'it is not on a tmpfs';
    const found = await lstat(path);
    if (!found.isDirectory()) return 'it is not a directory';
    // Everybody may write to /dev/shm, so somebody else may have made the directory first.
    if (found.uid !== process.getuid?.()) return 'it belongs to another user';
    if ((found.mode & GROUP_AND_OTHERS) !== 0) return 'others may reach what is in it (mode 0700 is wanted)';
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Returns the files that must be mounted, and from where. Throws a TaskError if this host has no place for them. */
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

/** Returns the text itself if it is safe as a part of a path, otherwise its hash. */
const toPart = (text: string): string =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$/.test(text) ? text : createHash('sha256').update(text).digest('hex');

/** Writes the files that the container mounts. Must be called before it is created and before it is started. */
export async function layOutFiles({ stack, deploy }: DeployJob, context: TaskContext): Promise<void> {
  const placed = placeFiles(deploy, context);
  const [first] = placed;
  const { secretsPath } = context.policy;
  if (!first || secretsPath === undefined) return;
  const { name } = deploy.container;
  const unfit = await unfitness(secretsPath);
  if (unfit !== undefined) throw unsupported(`${secretsPath} cannot keep the secrets of ${name}: ${unfit}`);
  try {
    await mkdir(dirname(first.path), { recursive: true, mode: 0o700 });
    await writeFile(join(dirname(first.path), STACK_FILE), stack);
    for (const each of placed) await layOut(each, context.engine.abilities().rootless);
  } catch (error) {
    throw toTaskError(error, { code: 'CREATE_FAILED', what: `Writing the secrets of ${name}` });
  }
}

/** Lies beside the files and names the stack that they are for. */
const STACK_FILE = 'stack';

/** Writes a new file and renames it over the present one, because a running container may have that mounted. */
async function layOut({ file, path }: PlacedFile, isRootless: boolean): Promise<void> {
  const { content, mode } = file;
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { uid, gid } = ownerOnHost(file, own, isRootless);
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

/**
 * Pure: to whom a file must belong on the host, so that it belongs to its owner in the container. For a rootless engine, which
 * runs as the agent's own user, that user is root inside.
 * @throws TaskError SECRETS_UNSUPPORTED
 */
export function ownerOnHost(
  { kind, name, uid, gid }: Pick<FileSpec, 'kind' | 'name' | 'uid' | 'gid'>,
  own: { uid: number; gid: number },
  isRootless: boolean,
): { uid: number; gid: number } {
  const what = `The ${kind} ${name} is to belong to ${uid}:${gid}`;
  if (isRootless && own.uid === 0) {
    throw unsupported(
      `${what}, and the Docker engine is rootless: its user cannot read what this agent, which is root, keeps. Run the agent as the engine's user`,
    );
  }
  if (isRootless && uid === 0 && gid === 0) return own;
  if (own.uid === 0 || (!isRootless && uid === own.uid && gid === own.gid)) return { uid, gid };
  const possible = isRootless ? '0:0, which it is itself to its rootless engine' : `${own.uid}:${own.gid}`;
  throw unsupported(
    `${what}, and this agent, which is not root, can only give it to ${possible}. Ask for that owner, or run the agent and the engine as root`,
  );
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

/** Returns the names of the containers whose files this one has mounted. Must be called before it is removed. */
export async function ownersOfFiles(id: string, context: TaskContext): Promise<string[]> {
  const root = agentFolder(context);
  if (root === undefined || (await foldersIn(root)).length === 0) return [];
  const sources = await context.engine.mountSources(id);
  return [...new Set(sources.flatMap((path) => ownerWithin(root, path) ?? []))];
}

/** Removes the files that were written for containers of this name and that no container mounts. */
export async function dropUnusedFiles(name: string, context: TaskContext): Promise<void> {
  const root = agentFolder(context);
  if (root !== undefined) await dropUnused(await foldersIn(join(root, name)), context);
}

/** Removes the files that were written for the stack and that no container mounts: somebody removed theirs by hand. */
export async function dropUnusedFilesOfStack(stack: string, context: TaskContext): Promise<void> {
  const root = agentFolder(context);
  if (root === undefined) return;
  const folders = (await Promise.all((await foldersIn(root)).map(foldersIn))).flat();
  const stacks = await Promise.all(folders.map((path) => readFile(join(path, STACK_FILE), 'utf8').catch(() => null)));
  await dropUnused(
    folders.filter((_, index) => stacks[index] === stack),
    context,
  );
}

/** @param folders each with the files of one spec of a container */
async function dropUnused(folders: readonly string[], { engine, identity }: TaskContext): Promise<void> {
  if (folders.length === 0) return;
  const labels = [`graphium.cluster=${identity.clusterId}`, `graphium.agent=${identity.agentName}`];
  const used = await engine.mountSourcesOf(labels);
  for (const path of folders) {
    if (used.some((source) => source.startsWith(`${path}/`))) continue;
    await rm(path, { recursive: true, force: true });
    // It goes with the last of its folders.
    await rmdir(dirname(path)).catch(() => {});
  }
}

function agentFolder({ identity, policy }: TaskContext): string | undefined {
  if (policy.secretsPath === undefined) return undefined;
  return join(policy.secretsPath, toPart(identity.clusterId), toPart(identity.agentName));
}

const ownerWithin = (root: string, path: string): string | undefined =>
  path.startsWith(`${root}/`) ? path.slice(root.length + 1).split('/')[0] : undefined;

const foldersIn = async (path: string): Promise<string[]> => (await entriesOf(path)).map((name) => join(path, name));

const entriesOf = (path: string): Promise<string[]> =>
  readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
