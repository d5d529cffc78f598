/** Pure: paths of the host, which are compared as written. */

/** Returns the one way to write a path, or null if it is not absolute or contains "..". */
export function normalize(path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0')) return null;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return null;
  const clean = `/${parts.join('/')}`;
  return clean === '/var/run' || clean.startsWith('/var/run/') ? clean.slice('/var'.length) : clean;
}

/** Tells whether the path is one of the parents or lies below one. */
export const isBelow = (path: string, parents: readonly string[]): boolean =>
  parents.some((parent) => parent === '/' || path === parent || path.startsWith(`${parent}/`));

/** They begin with `/run`, which is where `/var/run` leads on every current Linux. */
const SOCKETS = ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];

/**
 * Returns the socket that lies at or below `path`, or `path` itself if its name says that it is one.
 * @param own sockets besides those that engines usually have
 */
export function reachableSocket(path: string, own: readonly string[] = []): string | undefined {
  if (path.endsWith('/docker.sock')) return path;
  const known = [...SOCKETS, ...own.flatMap((socket) => normalize(socket) ?? [])];
  return known.find((socket) => isBelow(socket, [path]));
}
