import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';

/** Serves the built page from memory: it is small, and no path of a request ever reaches the file system. */
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

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

type File = { body: Buffer; type: string; etag: string; immutable: boolean };

export type Page = (request: IncomingMessage, response: ServerResponse) => void;

/** @param folder what `vite build` wrote */
export function createPage(folder: string): Page {
  const files = readFiles(folder);
  const index = files.get('/index.html');
  return (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    // Every other path is a screen of the page, also one with a dot: it may be a stack's name.
    const file = files.get(path) ?? (path.startsWith('/assets/') ? undefined : index);
    if (!file) {
      const text = index ? 'Not found' : 'The page is not built: run "npm run build", then start the server again.';
      response.writeHead(index ? 404 : 503, { 'content-type': 'text/plain' }).end(`${text}\n`);
      return;
    }
    response.setHeader('content-security-policy', PAGE_CSP);
    response.setHeader('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    response.setHeader('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.length });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  };
}

function readFiles(folder: string): Map<string, File> {
  const files = new Map<string, File>();
  for (const entry of list(folder)) {
    const body = readFileSync(join(folder, entry));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const type = TYPES[extname(entry)] ?? 'application/octet-stream';
    files.set(`/${entry.replaceAll('\\', '/')}`, { body, type, etag, immutable: entry.startsWith('assets') });
  }
  return files;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length)
          .replace(/^[/\\]/, ''),
      );
  } catch {
    return [];
  }
}
