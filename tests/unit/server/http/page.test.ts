import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPage } from '../../../../server/http/page.ts';
import type { Route } from '../../../../web/router.ts';

type KnownRoute = Exclude<Route, { screen: 'unknown' }>;

const folder = mkdtempSync(join(tmpdir(), 'graphium-page-'));
const SCRIPT = 'export const answer = 42;\n'.repeat(200);
const INDEX = '<!doctype html><title>Graphium</title>';
const server = createServer(createPage(folder));
let port: number;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), INDEX);
  writeFileSync(join(folder, 'favicon.svg'), '<svg/>');
  writeFileSync(join(folder, 'assets', 'main-abc.js'), SCRIPT);
  writeFileSync(join(folder, 'assets', 'main-abc.js.br'), brotliCompressSync(SCRIPT));
  writeFileSync(join(folder, 'assets', 'main-abc.js.gz'), gzipSync(SCRIPT));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** Node's own client sends every path as it is and leaves bodies compressed. */
function get(path: string, headers: Record<string, string> = {}, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.on('error', reject).end();
  });
}

describe('a file with a hash in its name', () => {
  const path = '/assets/main-abc.js';

  test('goes out in the best encoding that the browser knows', async () => {
    const brotli = await get(path, { 'accept-encoding': 'gzip, deflate, br' });
    expect(brotli.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' });
    expect(brotliDecompressSync(brotli.body).toString()).toBe(SCRIPT);
    const gzip = await get(path, { 'accept-encoding': 'gzip' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT);
    const plain = await get(path);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toBe(SCRIPT);
    for (const { headers } of [brotli, gzip, plain]) {
      expect(headers['content-type']).toMatch(/^text\/javascript/);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers['content-security-policy']).toContain("script-src 'self';");
    }
  });

  test('is answered with 304 to who has it, and in parts to who asks for some', async () => {
    const { headers } = await get(path);
    const again = await get(path, { 'if-none-match': headers.etag ?? '' });
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
    const part = await get(path, { range: 'bytes=0-5' });
    expect(part.status).toBe(206);
    expect(part.body.toString()).toBe(SCRIPT.slice(0, 6));
  });

  test('is 404 when there is none, and nobody keeps that answer', async () => {
    for (const missing of ['/assets/gone.js', '/assets/', '/assets/%00', `/assets/${'x'.repeat(5_000)}`]) {
      const answer = await get(missing);
      expect(answer.status, missing).toBe(404);
      expect(answer.headers['cache-control']).toBeUndefined();
    }
  });
});

describe('a screen of the page', () => {
  const screens = ['/', '/?x=1', '/agents/', '/stacks/shop', '/stacks/shop.v2', '/stacks/main.js', '/stacks/%E0%A4%A'];

  test.each([...screens, '/index.html'])('%s is answered with the page', async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(body.toString()).toBe(INDEX);
    expect(headers['content-type']).toMatch(/^text\/html; ?charset=utf-8$/);
    expect(headers['cache-control']).toBe('no-cache');
    expect((await get(path, { 'if-none-match': headers.etag ?? '' })).status).toBe(304);
  });
});

describe('every other path', () => {
  const nothing = ['/metrics', '/robots.txt', '/health', '/favicon.ico', '/schema.graphql', '/stack', '/stacks/a/b'];
  const tricks = ['/a%00b', '/../../../../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd'];

  test.each([...nothing, ...tricks, '/stacks/a/deploy/0'])('%s is not found', async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('text/plain');
    expect(headers['cache-control']).toBeUndefined();
    expect(body.toString()).toBe('Not found\n');
  });

  test('leads a browser on, with the page and the same status', async () => {
    const { status, headers, body } = await get('/stack', { accept: 'text/html,*/*;q=0.8' });
    expect(status).toBe(404);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(body.toString()).toBe(INDEX);
  });

  test('never leads out of the folder', async () => {
    expect((await get('/assets/../../../../../etc/passwd')).status).toBe(404);
  });

  test('is the file where there is one', async () => {
    const { headers, body } = await get('/favicon.svg');
    expect(headers['content-type']).toBe('image/svg+xml');
    expect(body.toString()).toBe('<svg/>');
  });
});

test("each address that the page's own router makes or knows is a screen here", async () => {
  vi.stubGlobal('window', { location: { pathname: '/' } });
  const { toPath, toRoute } = await import('../../../../web/router.ts');
  const routes: Record<KnownRoute['screen'], KnownRoute[]> = {
    stacks: [{ screen: 'stacks' }],
    stack: [{ screen: 'stack', name: 'shop.v2' }],
    deploy: [
      { screen: 'deploy', stack: null, revision: null },
      { screen: 'deploy', stack: 'a b/c', revision: null },
      { screen: 'deploy', stack: 'shop', revision: 12 },
    ],
    adopt: [{ screen: 'adopt', stack: 'shop' }],
    deployments: [{ screen: 'deployments' }],
    deployment: [{ screen: 'deployment', id: 'x' }],
    agents: [{ screen: 'agents' }],
    tokens: [{ screen: 'tokens' }],
  };
  for (const route of Object.values(routes).flat()) {
    const path = toPath(route);
    expect(toRoute(path)).toEqual(route);
    expect((await get(path)).status, path).toBe(200);
  }
  for (const path of ['/stack', '/stacks/a/b', '/stacks/a/deploy/0', '/metrics']) {
    expect(toRoute(path).screen, path).toBe('unknown');
  }
  vi.unstubAllGlobals();
});

test('HEAD has the headers alone; other methods are refused', async () => {
  const head = await get('/assets/main-abc.js', {}, { method: 'HEAD' });
  expect(head.headers['content-length']).toBe(String(SCRIPT.length));
  expect(head.body).toHaveLength(0);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await get('/', {}, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
  }
});

test('a range from its end to its start ends one answer and not the process', async () => {
  await expect(get('/assets/main-abc.js', { range: 'bytes=5-2' })).rejects.toThrow(/socket hang up/);
  expect((await get('/')).status).toBe(200);
});

test('a file that vanishes between two looks ends one answer and not the process', async () => {
  const path = join(folder, 'assets', 'dying.js');
  const vanish = () => rmSync(path, { force: true });
  server.once('request', vanish);
  writeFileSync(path, 'x');
  // The listener of the test runs after the page's, which has looked at the file and not yet opened it.
  await expect(get('/assets/dying.js')).rejects.toThrow(/socket hang up/);
  expect((await get('/')).status).toBe(200);
});

test('a page that is not built says so, and is served as soon as it is', async () => {
  renameSync(join(folder, 'index.html'), join(folder, 'aside'));
  const answer = await get('/');
  expect(answer.status).toBe(503);
  expect(answer.body.toString()).toContain('npm run build');
  renameSync(join(folder, 'aside'), join(folder, 'index.html'));
  expect((await get('/')).status).toBe(200);
});
