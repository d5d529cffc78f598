import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { isEngine } from '../../lab/engine.ts';
import { createLab, cutHost, type LabHostData, restoreHost } from '../../lab/lab.ts';
import { processesIn } from '../../lab/process.ts';
import { getLab } from '../support/lab.ts';

const lab = getLab();
const labModule = fileURLToPath(new URL('../../lab/lab.ts', import.meta.url));

test('three engines answer', async () => {
  expect(lab.hosts.map((host) => host.name)).toEqual(['localhost-docker', 'vm1', 'vm2']);
  const versions = await Promise.all(lab.hosts.map((host) => engineOf(host).version()));
  for (const version of versions) expect(version.Os).toBe('linux');
});

if (lab.mode === 'shared') {
  test('hosts that share an engine have no link to cut', async () => {
    for (const host of lab.hosts) await expect(cutHost(host)).rejects.toThrow('no link to cut');
  });
} else {
  describe('with a dockerd per host', () => {
    const children: ChildProcess[] = [];
    afterAll(() => {
      for (const child of children) child.kill('SIGKILL');
    });

    test('a pulled image serves on the address of its host, until the host is cut and after it is restored', async () => {
      const host = hostNamed('vm1');
      await pull(host, lab.images.nginx);
      const container = await serve(host, 'lab-test', 8091);
      try {
        const url = `http://${host.address}:8091/`;
        const page = await pageOf(url);
        expect(page).toContain('stand-in');
        expect(page).toContain('NGINX_HOST=vm1');
        await cutHost(host);
        await expect(pageOf(url, 1_000)).rejects.toThrow();
        expect(await isEngine(host.socketPath)).toBe(true);
        await restoreHost(host);
        expect(await pageOf(url)).toBe(page);
        const stopping = Date.now();
        await container.stop();
        expect(Date.now() - stopping).toBeLessThan(5_000);
        expect((await container.inspect()).State.ExitCode).toBe(0);
      } finally {
        await restoreHost(host);
        await container.remove({ force: true });
      }
    });

    test('a pull reports bytes per layer, and an image that is nowhere fails at once', async () => {
      const host = hostNamed('vm2');
      const lines = await pull(host, lab.images.big);
      const counted = lines.filter((line) => line.status === 'Downloading' && (line.progressDetail?.total ?? 0) > 1e6);
      expect(new Set(counted.map((line) => line.id)).size).toBeGreaterThan(1);
      const asking = Date.now();
      await expect(pull(host, 'graphium/nowhere:1')).rejects.toThrow();
      expect(Date.now() - asking).toBeLessThan(5_000);
    });

    test('a program inside a host reaches the server address', () => {
      const [command = '', ...args] = [
        ...hostNamed('vm1').spawnPrefix,
        'busybox',
        'ping',
        '-c',
        '1',
        '-W',
        '2',
        lab.serverAddress,
      ];
      expect(execFileSync(command, args, { encoding: 'utf8' })).toContain('1 packets received');
    });

    test('a lab whose owner was killed is cleared by the next one; a living one is not touched', async () => {
      const victim = await startOwner(children);
      const [dead] = victim.hosts;
      if (!dead) throw new Error('the owner gave no host');
      await pull(dead, lab.images.nginx);
      await serve(dead, 'orphan', 8091);
      expect(await pageOf(`http://${dead.address}:8091/`)).toContain('stand-in');
      const before = await Promise.all(lab.hosts.map((host) => engineOf(host).info()));

      victim.owner.kill('SIGKILL');
      await once(victim.owner, 'exit');
      // The kernel ends the hosts of a dead owner; the page goes with them before anybody has cleared anything.
      await expect.poll(() => isEngine(dead.socketPath), { timeout: 10_000 }).toBe(false);
      expect(existsSync(dead.namespacePath ?? '')).toBe(true);

      const log: string[] = [];
      const next = await createLab({ hosts: ['solo'], log: (line) => log.push(line) });
      try {
        expect(log.join('\n')).toContain('left behind');
        expect(existsSync(dead.namespacePath ?? '')).toBe(false);
        expect(existsSync(dead.socketPath)).toBe(false);
        expect(await Promise.all(next.hosts.map((host) => isEngine(host.socketPath)))).toEqual([true]);
        expect(next.serverAddress).not.toBe(lab.serverAddress);
        const after = await Promise.all(lab.hosts.map((host) => engineOf(host).info()));
        expect(after.map((info) => info.Containers)).toEqual(before.map((info) => info.Containers));
      } finally {
        await next.close();
      }
      expect(next.hosts.filter((host) => existsSync(host.namespacePath ?? ''))).toEqual([]);
      expect(await Promise.all(lab.hosts.map((host) => isEngine(host.socketPath)))).toEqual([true, true, true]);
    });

    test('close works after a dockerd was killed, and twice', async () => {
      const own = await createLab({ hosts: ['frail'] });
      const [host] = own.hosts;
      if (!host) throw new Error('no host');
      const dockerd = processesIn([host.namespacePath ?? '']).filter(({ pid }) => nameOf(pid) === 'dockerd');
      expect(dockerd).toHaveLength(1);
      for (const { pid } of dockerd) process.kill(pid, 'SIGKILL');
      await expect.poll(() => isEngine(host.socketPath)).toBe(false);
      await own.close();
      await own.close();
      expect(existsSync(host.namespacePath ?? '')).toBe(false);
    });
  });
}

type PullLine = { id?: string; status?: string; progressDetail?: { current?: number; total?: number }; error?: string };

function engineOf(host: LabHostData): Docker {
  return new Docker({ socketPath: host.socketPath });
}

function hostNamed(name: string): LabHostData {
  const host = lab.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
}

async function pull(host: LabHostData, image: string): Promise<PullLine[]> {
  const engine = engineOf(host);
  const stream = await engine.pull(image);
  const lines: PullLine[] = [];
  for await (const line of createInterface({ input: stream })) lines.push(JSON.parse(line));
  const failure = lines.find((line) => line.error);
  if (failure) throw new Error(failure.error);
  return lines;
}

async function serve(host: LabHostData, name: string, port: number): Promise<Docker.Container> {
  const container = await engineOf(host).createContainer({
    name,
    Image: lab.images.nginx,
    Env: [`NGINX_HOST=${host.name}`],
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } },
  });
  await container.start();
  return container;
}

/** Returns the page at `url` as soon as it is served. */
async function pageOf(url: string, timeoutMs = 5_000): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      return await response.text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** Starts a process that creates a lab and then does nothing. */
async function startOwner(children: ChildProcess[]): Promise<{ owner: ChildProcess; hosts: LabHostData[] }> {
  const script = `
    const { createLab } = await import(${JSON.stringify(labModule)});
    const lab = await createLab({ hosts: ['doomed'] });
    console.log(JSON.stringify(lab.hosts));
    setInterval(() => {}, 60_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(owner);
  if (!owner.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: owner.stdout })) return { owner, hosts: JSON.parse(line) };
  throw new Error('the owner ended without a lab');
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
