/** Pure: cuts the list of containers into reports that the server takes, however many containers and ports a host has. */
import type { ContainerReport } from '../connection/api.ts';

const PAGE_BYTES = 300 * 1024;

type Port = ContainerReport['ports'][number];

/** Makes one entry of ports that follow one another, inside and on the host alike: telephony publishes ten thousand. */
export function foldPorts(ports: readonly Port[]): Port[] {
  const folded: Port[] = [];
  const sorted = ports.toSorted(
    (a, b) =>
      a.protocol.localeCompare(b.protocol) ||
      (a.hostIp ?? '').localeCompare(b.hostIp ?? '') ||
      a.containerPort - b.containerPort ||
      (a.hostPort ?? 0) - (b.hostPort ?? 0),
  );
  for (const port of sorted) {
    const last = folded.at(-1);
    if (last && follows(port, last)) last.count = (last.count ?? 1) + 1;
    else folded.push({ ...port, count: 1 });
  }
  return folded.map(({ count, ...port }) => (count === 1 ? port : { ...port, count }));
}

function follows(port: Port, { count, ...first }: Port): boolean {
  const length = count ?? 1;
  if (port.protocol !== first.protocol || (port.hostIp ?? null) !== (first.hostIp ?? null)) return false;
  if (port.containerPort !== first.containerPort + length) return false;
  if (port.hostPort == null || first.hostPort == null) return port.hostPort == null && first.hostPort == null;
  return port.hostPort === first.hostPort + length;
}

/** @returns at least one page, for a host without containers must say so */
export function toPages(containers: readonly ContainerReport[]): ContainerReport[][] {
  const pages: ContainerReport[][] = [[]];
  let bytes = 0;
  for (const container of containers) {
    const folded = { ...container, ports: foldPorts(container.ports) };
    const size = Buffer.byteLength(JSON.stringify(folded));
    if (bytes + size > PAGE_BYTES && bytes > 0) {
      pages.push([]);
      bytes = 0;
    }
    pages.at(-1)?.push(folded);
    bytes += size;
  }
  return pages;
}
