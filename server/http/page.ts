import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';

export type Page = (request: IncomingMessage, response: ServerResponse) => void;

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The names of these files hold a hash of what is in them. */
const HASHED = '/assets/';

/** The addresses of the page's screens, as the page's own router knows them. A stack's name may hold a dot. */
const SCREEN =
  /^\/(stacks(\/[^/]+(\/adopt|\/deploy(\/[1-9]\d{0,8})?)?)?|deploy|deployments(\/[^/]+)?|agents|tokens)?\/?$/;

/**
 * Serves the built page: compressed where the build wrote a compressed file beside it, and with `index.html` for each of
 * its screens. Every other path is 404, or a balancer that asks for one would think that all is well. A browser gets the
 * page with that answer, which says so and leads on.
 * @param folder what `vite build` wrote
 */
export function createPage(folder: string): Page {
  // `dev` looks at the disk at every request: with a list made at the start, a page built later could not be served.
  const options = { dev: true, etag: true, brotli: true, gzip: true };
  const assets = sirv(folder, options);
  const screens = sirv(folder, { ...options, single: true, ignores: false });

  return guarded((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    if (!existsSync(join(folder, 'index.html'))) return answerNotBuilt(response);
    const isHashed = request.url?.startsWith(HASHED);
    response.setHeader('content-security-policy', PAGE_CSP);
    response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (SCREEN.test(request.url?.split('?')[0] ?? '')) screens(request, response);
    else assets(request, response, () => answerNotFound(request, response, folder));
  });
}

/** Ends the one answer that fails. sirv lets a file that vanishes, or a range from its end to its start, end the process. */
function guarded(page: Page): Page {
  return (request, response) => {
    response.once('pipe', (file) => file.once('error', () => response.destroy()));
    try {
      page(request, response);
    } catch {
      response.destroy();
    }
  };
}

export function answerNotBuilt(response: ServerResponse): void {
  const text = 'The page is not built: run "npm run build".\n';
  response.writeHead(503, { 'content-type': 'text/plain' }).end(text);
}

function answerNotFound(request: IncomingMessage, response: ServerResponse, folder: string): void {
  if (request.headers.accept?.includes('text/html')) {
    response.writeHead(404, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
    response.end(readFileSync(join(folder, 'index.html')));
    return;
  }
  for (const name of ['content-security-policy', 'cache-control']) response.removeHeader(name);
  response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
}
