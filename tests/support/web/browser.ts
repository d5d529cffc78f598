import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Chromium must not use the network on its own account. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a headless browser with a profile in a new temporary folder. The caller closes it. */
export async function openBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  // Chromium refuses to run as root with its sandbox.
  return chromium.launch({ executablePath: findBrowser(), args: isRoot ? ['--no-sandbox', ...FLAGS] : FLAGS });
}

/**
 * CHROMIUM_PATH, else a Chromium or Chrome on the PATH. On Debian as root a missing one is installed.
 * @throws Error that says what to install
 */
export function findBrowser(): string {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH is ${chosen}, which cannot be executed.`);
  }
  const found = findInstalled();
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    installOnDebian();
    const installed = findInstalled();
    if (installed) return installed;
  }
  throw new Error(
    'The tests of the page need Chromium or Google Chrome, and none is on the PATH. ' +
      'Install one (Debian and Ubuntu: apt-get install chromium), or set CHROMIUM_PATH to its executable.',
  );
}

function findInstalled(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...onPath, ...ELSEWHERE].find(isExecutable);
}

function installOnDebian(): void {
  console.log("No Chromium found: installing Debian's package chromium for the tests of the page.");
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-q'], { env, stdio: 'inherit' });
  execFileSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'chromium'], { env, stdio: 'inherit' });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
