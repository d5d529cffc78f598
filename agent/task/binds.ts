/**
 * Looks at bind mounts as they really are on the host. The policy compares paths as they are written, and a container that
 * may write below an allowed directory can make links there: to anywhere, and at any time.
 *
 * Invariants: a path is resolved when the container is made and again when it is started. After each start, also one that
 * Docker does by itself, the mounts that the kernel has made are compared; a container with another one is stopped.
 */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { within } from '../base/within.ts';
import { TaskError } from '../docker/errors.ts';
import type { ContainerBody } from '../docker/shapes/body.ts';
import type { DockerInspect } from '../docker/shapes/observe.ts';
import { bindViolations, isInSecrets } from '../policy/checks.ts';
import { isBelow } from '../policy/paths.ts';
import type { Policy } from '../policy/schema.ts';
import type { TaskContext } from './context.ts';
import { policyDenied } from './policy-denied.ts';

type Bind = { source: string; target: string };

/** @throws TaskError POLICY_DENIED if a path leads out of what the policy allows */
export async function checkBinds(body: ContainerBody, { policy }: Pick<TaskContext, 'policy'>): Promise<void> {
  const refused = await leadingOut(bindsOf(body), policy);
  if (refused.length > 0) throw policyDenied(refused);
}

function bindsOf({ HostConfig: { Binds = [], Mounts } }: ContainerBody): Bind[] {
  const short = Binds.map((bind) => bind.split(':')).filter(([source = '']) => source.startsWith('/'));
  const long = Mounts.filter(({ Type }) => Type === 'bind');
  return [
    ...short.map(([source = '', target = '']) => ({ source, target })),
    ...long.map(({ Source = '', Target }) => ({ source: Source, target: Target })),
  ];
}

async function leadingOut(binds: readonly Bind[], policy: Policy): Promise<string[]> {
  // Those that do not resolve are none of the others' business.
  const roots = await Promise.all(policy.allowBindMounts.map((path) => resolveInTime(path).catch(() => path)));
  const real = { ...policy, allowBindMounts: [...policy.allowBindMounts, ...roots] };
  const found = await Promise.all(
    binds.map(async ({ source }) => {
      if (isInSecrets(source, policy)) return [];
      const path = await resolveInTime(source);
      const isInside = isBelow(path, roots) && bindViolations(path, real, source).length === 0;
      return isInside ? [] : [`${source} leads to ${path} on this host, which is not allowed`];
    }),
  );
  return found.flat();
}

/** Below a network mount whose server is gone, the kernel resolves nothing and says nothing. */
const RESOLVE_WITHIN_MS = 20_000;
/** Each keeps a thread of this process busy, of which there are few. */
const stuck = new Set<string>();

async function resolveInTime(path: string): Promise<string> {
  const refuse = () =>
    new TaskError(
      {
        code: 'CREATE_FAILED',
        message: `This host does not resolve ${path}. Is the server of a network mount gone?`,
      },
      true,
    );
  if (stuck.has(path)) throw refuse();
  const running = resolve(path);
  try {
    return await within(RESOLVE_WITHIN_MS, running, 'no answer');
  } catch {
    stuck.add(path);
    void running.finally(() => stuck.delete(path));
    throw refuse();
  }
}

/** As many as the kernel follows. */
const MAX_LINKS = 40;

/** Follows all links. What is not there yet is looked for below the nearest directory that is. */
async function resolve(path: string, depth = MAX_LINKS): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    // A link to what does not exist yet leads there all the same.
    const target = await readlink(path).catch(() => null);
    if (target !== null && depth > 0) return resolve(isAbsolute(target) ? target : join(parent, target), depth - 1);
    return parent === path ? path : join(await resolve(parent, depth), basename(path));
  }
}

export type Mounted = Pick<DockerInspect, 'Id' | 'State'> & {
  Mounts?: { Type?: string; Source?: string; Destination?: string }[] | null;
};

/**
 * Compares the mounts that a running container really has with what its engine says and the policy allows; it is stopped at
 * once if they differ. @throws TaskError POLICY_DENIED then
 */
export async function checkMounted(
  id: string,
  { engine, policy, log }: Pick<TaskContext, 'engine' | 'policy' | 'log'>,
): Promise<void> {
  // Without a directory that is allowed no container of this agent has any to look at.
  if (policy.allowBindMounts.length === 0) return;
  const found = await engine.inspectMounts(id);
  const binds = (found?.Mounts ?? []).flatMap(({ Type, Source = '', Destination = '' }) =>
    Type === 'bind' && !isInSecrets(Source, policy) ? [{ source: Source, target: Destination }] : [],
  );
  if (!found || binds.length === 0) return;
  const refused = [...(await leadingOut(binds, policy)), ...(await differing(binds, await findProcess(found)))];
  if (refused.length === 0) return;
  log.error({ container: id, refused }, 'a container has a mount that this policy refuses: stopping it');
  await engine.killContainer(id);
  throw policyDenied(refused);
}

/**
 * Finds a process of the container. Its engine may number processes in a namespace of its own, so that its number says
 * little here; its control group has the container's id. @returns undefined if there is none, or it is not for this user to see
 */
async function findProcess({ Id: id, State }: Mounted): Promise<string | undefined> {
  const isOf = async (process: string) =>
    (await readFile(`/proc/${process}/cgroup`, 'utf8').catch(() => '')).includes(id);
  if (State.Pid && (await isOf(String(State.Pid)))) return String(State.Pid);
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const process of processes.toReversed()) if (await isOf(process)) return process;
  return undefined;
}

/** Lists the sources that are not what is mounted in the process, by device and path within it. */
async function differing(binds: readonly Bind[], process: string | undefined): Promise<string[]> {
  const [here, there] = await Promise.all([readMounts('self'), process === undefined ? null : readMounts(process)]);
  // The process may have ended, or its mounts may not be for this user to see.
  if (!here || !there) return [];
  const roots = new Set(there.map(({ device, root }) => `${device} ${root}`));
  const found = await Promise.all(
    binds.map(async ({ source }) => {
      const path = await resolve(source);
      const mount = here.findLast(({ point }) => isBelow(path, [point]));
      if (!mount) return [];
      const root = join(mount.root, path.slice(mount.point === '/' ? 0 : mount.point.length));
      return roots.has(`${mount.device} ${root}`) ? [] : [`${source} was exchanged while it was being mounted`];
    }),
  );
  return found.flat();
}

type Mount = { device: string; root: string; point: string };

async function readMounts(process: string): Promise<Mount[] | null> {
  const text = await readFile(`/proc/${process}/mountinfo`, 'utf8').catch(() => null);
  const mounts = text?.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ');
    return device && root && point ? [{ device, root: unescapePath(root), point: unescapePath(point) }] : [];
  });
  // A mount below another one comes later in the list and has the longer path.
  return mounts?.toSorted((a, b) => a.point.length - b.point.length) ?? null;
}

/** The kernel writes a blank as \\040. */
const unescapePath = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
