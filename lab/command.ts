import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** What the lab's programs see: the caller's proxy settings and DOCKER_* variables must not reach a lab host. */
export const COMMAND_ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin', LANG: 'C.UTF-8' };

/** Runs a program to its end and returns its standard output; throws an Error with the command and what it printed. */
export function run(
  command: string,
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...COMMAND_ENV, ...options.env };
    const child = execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else
        reject(new Error(`${command} ${args.join(' ')}: ${(stderr || stdout || error.message).trim().slice(-2000)}`));
    });
    // A program that ends before it has read its input shows that by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/**
 * Starts a long-running program whose output goes to `logFile`. It gets a session of its own, so that Ctrl-C in the
 * terminal does not reach it: its owner decides in which order programs stop. If the owner is killed, the kernel ends
 * the program (setpriv sets PR_SET_PDEATHSIG). What counts is the death of the thread that started it, so a lab must be
 * created in the main thread of a process.
 */
export function spawnOwned(
  command: string,
  args: string[],
  logFile: string,
  env: Record<string, string> = {},
): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    env: { ...COMMAND_ENV, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  // Without a listener, a missing program would end the owner. Whoever waits for the program reports the failure.
  child.on('error', () => {});
  return child;
}
