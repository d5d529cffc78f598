import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, spawnOwned } from './command.ts';
import { type Blob, buildImages, type Image } from './images.ts';

export type RegistryOptions = { directory: string; namespacePath: string; address: string };

const PORT = 5000;
const START_WITHIN_MS = 10_000;

/** Returns where the lab's hosts find the registry, as host:port. */
export function registryAt(address: string): string {
  return `${address}:${PORT}`;
}

/** Starts and fills the registry that the lab's hosts use as their mirror. It ends when its namespace is cleared. */
export async function startRegistry({ directory, namespacePath, address }: RegistryOptions): Promise<void> {
  const configFile = join(directory, 'registry.yml');
  const logFile = join(directory, 'registry.log');
  await writeFile(configFile, toConfig(address, join(directory, 'registry')));
  const child = spawnOwned('nsenter', [`--net=${namespacePath}`, 'docker-registry', 'serve', configFile], logFile);
  const [busybox, applets] = await Promise.all([readFile('/bin/busybox'), run('/bin/busybox', ['--list'])]);
  const images = await buildImages(busybox, applets.split('\n').filter(Boolean));
  const url = `http://${registryAt(address)}/v2`;
  const deadline = Date.now() + START_WITHIN_MS;
  while (!(await answers(`${url}/`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`the lab's registry did not start: ${(await readFile(logFile, 'utf8')).slice(-2000)}`);
    }
    await delay(20);
  }
  for (const image of images) await push(url, image);
}

async function push(url: string, image: Image): Promise<void> {
  const repository = `${url}/${image.repository}`;
  await Promise.all(image.blobs.map((blob) => pushBlob(repository, blob)));
  await request('PUT', `${repository}/manifests/${image.tag}`, image.manifest, manifestTypeOf(image));
}

/** Uploads one blob: https://distribution.github.io/distribution/spec/api/#pushing-a-layer */
async function pushBlob(repository: string, blob: Blob): Promise<void> {
  const upload = await request('POST', `${repository}/blobs/uploads/`);
  const location = new URL(upload.headers.get('location') ?? '', repository);
  location.searchParams.set('digest', blob.digest);
  await request('PUT', location.href, blob.bytes);
}

async function request(method: string, url: string, body?: Buffer, type = 'application/octet-stream') {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': type },
    ...(body ? { body: new Uint8Array(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return response;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function manifestTypeOf(image: Image): string {
  return JSON.parse(image.manifest.toString()).mediaType;
}

function toConfig(address: string, directory: string): string {
  // The registry reads YAML, and JSON is YAML.
  return JSON.stringify({
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: directory } },
    http: { addr: registryAt(address) },
  });
}
