/** Builds stack files for tests. By default a container is a busybox that keeps running and ends at once when asked. */
export const STAY = ['sh', '-c', "trap 'exit 0' TERM INT; sleep 3600 & wait"];

export type TestContainer = { name: string; host: string } & Record<string, unknown>;

export function stackFile(name: string, containers: readonly TestContainer[], fields: object = {}): string {
  const hasPart = containers.map(({ host, ...container }) => ({
    image: 'busybox:latest',
    command: STAY,
    locatedInHost: { '@id': host },
    ...container,
  }));
  return JSON.stringify({ '@type': 'Stack', name, ...fields, hasPart }, null, 2);
}
