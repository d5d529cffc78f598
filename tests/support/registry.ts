import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { processesIn } from '../../lab/process.ts';
import type { TestLab } from './lab.ts';

/** Pauses the lab's registry so that a pull takes as long as a test needs. A remote registry is slow anyway. */
export type Registry = {
  pause(): void;
  resume(): void;
  /** Lets it work only in short pulses until `resume`. */
  slowDown(): void;
};

const PULSE_MS = 15;
const PAUSE_MS = 300;

export function registryOf(lab: TestLab): Registry {
  const [first] = lab.hosts;
  const pid = first?.link ? findRegistry(first.link.namespace) : undefined;
  const signal = (name: NodeJS.Signals) => {
    if (pid !== undefined) process.kill(pid, name);
  };
  let slow = false;
  async function pulse() {
    while (slow) {
      signal('SIGSTOP');
      await delay(PAUSE_MS);
      signal('SIGCONT');
      await delay(PULSE_MS);
    }
  }
  return {
    pause: () => signal('SIGSTOP'),
    resume() {
      slow = false;
      signal('SIGCONT');
    },
    slowDown() {
      slow = true;
      void pulse();
    },
  };
}

/** It runs in the switch's namespace. */
function findRegistry(namespace: string): number {
  const found = processesIn([`/run/netns/${namespace}`]).find(
    ({ pid }) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'docker-registry',
  );
  if (!found) throw new Error(`no registry in ${namespace}`);
  return found.pid;
}
