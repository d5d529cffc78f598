import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMAND_ENV, run } from './command.ts';

/**
 * What a lab needs and how to tell that it is there. Another package may bring a program, as docker-ce brings dockerd.
 */
const NEEDS: { package: string; isThere: () => boolean }[] = [
  { package: 'docker.io', isThere: () => hasProgram('dockerd') && hasProgram('containerd') },
  { package: 'docker-registry', isThere: () => hasProgram('docker-registry') },
  { package: 'iproute2', isThere: () => hasProgram('ip') },
  { package: 'iptables', isThere: () => hasProgram('iptables') },
  // The package `busybox` uses the same path, but it needs libraries that the lab's images lack.
  { package: 'busybox-static', isThere: () => existsSync('/var/lib/dpkg/info/busybox-static.list') },
];

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const APT_OPTIONS = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300'];

/** Returns the packages that a lab still needs; Debian and Ubuntu use the same names. */
export function missingPackages(): string[] {
  return NEEDS.filter((need) => !need.isThere()).map((need) => need.package);
}

export function hasApt(): boolean {
  return hasProgram('apt-get') && existsSync('/var/lib/dpkg/info');
}

/** Installs packages with apt-get. Their services start neither now nor at the next boot. */
export async function installPackages(packages: string[], log: (line: string) => void): Promise<void> {
  if (packages.length === 0) return;
  log(`installing Debian packages: ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1', ...proxySettings() };
  await withoutServiceStart(async () => {
    await run('apt-get', ['update', '-q', '-o', 'DPkg::Lock::Timeout=300'], { env });
    await run('apt-get', ['install', ...APT_OPTIONS, ...packages], { env });
  });
  await disableServices(packages);
  const missing = missingPackages();
  if (missing.length > 0) throw new Error(`still missing after apt-get install: ${missing.join(' ')}`);
}

/** Debian asks policy-rc.d before it starts a service. A policy that the machine already has remains in force. */
async function withoutServiceStart(work: () => Promise<void>): Promise<void> {
  if (existsSync(POLICY_FILE)) return work();
  await writeFile(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(POLICY_FILE, { force: true });
  }
}

async function disableServices(packages: string[]): Promise<void> {
  if (!existsSync('/run/systemd/system')) return;
  const units = [
    ...(packages.includes('docker.io') ? ['docker.service', 'docker.socket'] : []),
    ...(packages.includes('docker-registry') ? ['docker-registry.service'] : []),
  ];
  if (units.length > 0) await run('systemctl', ['disable', '--now', ...units]);
}

/** apt-get may need the machine's proxy, unlike everything else the lab runs. */
function proxySettings(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]).filter(isSet));
}

function isSet(entry: (string | undefined)[]): entry is [string, string] {
  return entry[1] !== undefined;
}

function hasProgram(name: string): boolean {
  return COMMAND_ENV.PATH.split(':').some((directory) => existsSync(join(directory, name)));
}
