import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The start time (clock ticks since boot) tells a process apart from a later one with the same pid. */
export type ProcessIdentity = { pid: number; startTicks: string };

/** Returns the process with this pid, or undefined if there is none or it is a zombie. */
export function findProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the program's name, may contain spaces and brackets, so fields count from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' || startTicks === undefined ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return findProcess(identity.pid)?.startTicks === identity.startTicks;
}

/** Returns the children of a process's main thread, which is where the programs of the lab fork. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Whether it is process 1 of a pid namespace below this one. If it ends, all others in that namespace end too. */
export function isNamespaceInit({ pid }: ProcessIdentity): boolean {
  try {
    const pids = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split('\t') ?? [];
    return pids.length > 1 && pids.at(-1) === '1';
  } catch {
    return false;
  }
}

/** Returns every process in one of these network namespaces (paths such as /run/netns/x). */
export function processesIn(namespacePaths: string[]): ProcessIdentity[] {
  const wanted = new Set(namespacePaths.map(namespaceId).filter((id) => id !== undefined));
  if (wanted.size === 0) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => wanted.has(namespaceId(`/proc/${entry}/ns/net`) ?? ''))
    .map((entry) => findProcess(Number(entry)))
    .filter((found) => found !== undefined);
}

/** Kills processes and waits until they are gone. An init takes its whole pid namespace with it. */
export async function killAll(processes: ProcessIdentity[], timeoutMs = 10_000): Promise<void> {
  for (const identity of processes) if (isAlive(identity)) signal(identity.pid, 'SIGKILL');
  const deadline = Date.now() + timeoutMs;
  while (processes.some(isAlive)) {
    if (Date.now() > deadline) {
      throw new Error(`processes survive SIGKILL: ${processes.filter(isAlive).map((p) => p.pid)}`);
    }
    await delay(5);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is already gone, as intended.
  }
}

/** Two paths with the same device and inode are one namespace. Returns undefined if there is no such namespace. */
function namespaceId(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
