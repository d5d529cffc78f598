import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** What the lab's programs see: no proxy settings and no DOCKER_* variables of the caller may reach a lab host. */
export const commandEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin', LANG: 'C.UTF-8' };

/** Runs a program to its end and gives its standard output; throws an Error that names the command and its complaint. */
export function run(
  command: string,
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...commandEnv, ...options.env };
    const child = execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else
        reject(new Error(`${command} ${args.join(' ')}: ${(stderr || stdout || error.message).trim().slice(-2000)}`));
    });
    // A program that ends before it has read its input is reported by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/**
 * Starts a long-running program whose output goes to `logFile`.
 * Its own session keeps Ctrl-C of the terminal away from it (the owner decides the order of stopping), and
 * PR_SET_PDEATHSIG (setpriv) lets the kernel end it when the owner is killed and cannot. The kernel counts the
 * death of the starting thread, so labs belong in a process's main thread.
 */
export function spawnOwned(
  command: string,
  args: string[],
  logFile: string,
  env: Record<string, string> = {},
): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    env: { ...commandEnv, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  // Without a listener a missing program would end the owner; whoever waits for readiness reports it.
  child.on('error', () => {});
  return child;
}
