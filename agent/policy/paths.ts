/** Pure: paths of the host. They are compared as written. */

/** One way to write a path; null if it is not absolute or climbs. */
export function normalise(path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0')) return null;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return null;
  const clean = `/${parts.join('/')}`;
  return clean === '/var/run' || clean.startsWith('/var/run/') ? clean.slice('/var'.length) : clean;
}

/** At one of them or below. */
export const isBelow = (path: string, parents: readonly string[]): boolean =>
  parents.some((parent) => parent === '/' || path === parent || path.startsWith(`${parent}/`));

/** `/var/run` is `/run` on every current Linux. */
const sockets = ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];

/** The socket that lies at or below `path`, or that `path` is by its name. */
export function reachableSocket(path: string): string | undefined {
  if (path.endsWith('/docker.sock')) return path;
  return sockets.find((socket) => isBelow(socket, [path]));
}
