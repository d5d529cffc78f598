import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isEngine } from '../../lab/engine.ts';
import type { LabHostData } from '../../lab/lab.ts';
import { isAlive, processesIn } from '../../lab/process.ts';

/** Stops a lab host's dockerd, waits, and starts it again exactly as it was; its containers live on (live-restore). */
export async function restartDockerd(host: LabHostData, signal: 'SIGTERM' | 'SIGKILL', downMs: number): Promise<void> {
  const dockerd = findIn(host, 'dockerd');
  const { pid: containerd } = findIn(host, 'containerd');
  const read = (file: string) => readFileSync(`/proc/${dockerd.pid}/${file}`, 'utf8').split('\0').filter(Boolean);
  const command = read('cmdline');
  const env = Object.fromEntries(read('environ').map((line) => [line.split('=')[0], line.replace(/^[^=]*=/, '')]));
  process.kill(dockerd.pid, signal);
  while (isAlive(dockerd)) await delay(20);
  await delay(downMs);
  const into = ['net', 'mnt', 'pid'].map(
    (kind) => `--${kind === 'mnt' ? 'mount' : kind}=/proc/${containerd}/ns/${kind}`,
  );
  // This process does not own it, because it must outlive the test file. The lab ends everything in its hosts.
  spawn('nsenter', [...into, ...command], { env, detached: true, stdio: 'ignore' }).unref();
  while (!(await isEngine(host.socketPath))) await delay(50);
}

/** Lets a lab host's dockerd hang, as a full disk does: its socket takes connections and nobody answers. @returns the thaw */
export function freezeDockerd(host: LabHostData): () => void {
  const { pid } = findIn(host, 'dockerd');
  process.kill(pid, 'SIGSTOP');
  // nsenter, its parent, stops when its child does.
  const parent = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return () => {
    for (const each of [pid, parent]) process.kill(each, 'SIGCONT');
  };
}

function findIn(host: LabHostData, name: string) {
  const found = processesIn([host.namespacePath ?? '']).find(({ pid }) => commandOf(pid) === name);
  if (!found) throw new Error(`no ${name} on ${host.name}`);
  return found;
}

/** Undefined if it has just ended, as the processes that start containers often have. */
function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
