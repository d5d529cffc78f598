import { readFileSync } from 'node:fs';

/** Megabytes of memory that a process has resident. */
export function rssMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
