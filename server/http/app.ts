import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { audit, GRAPHIUM } from '../base/audit.ts';
import { createAttempts } from './attempts.ts';
import type { Services } from './context.ts';
import { LIMITS } from './limits.ts';
import { createPage, SECURITY_HEADERS } from './page.ts';
import { servePlayground, wantsPlayground } from './playground.ts';
import { createProbes } from './probes.ts';
import { attachSockets } from './websocket.ts';
import { createGraphql } from './yoga.ts';

export type App = {
  fetch(request: Request): Promise<Response>;
  /** Answers the server's requests and upgrades from now on. */
  attach(server: Server): void;
  /** Ends all sockets with 1001, so that clients come back at once; a `complete` would tell them that all is done. */
  close(): Promise<void>;
};

/** @param pageFolder what `vite build` wrote */
export function createApp(services: Services, options: { pageFolder: string }, log: Logger): App {
  const attempts = createAttempts(LIMITS.failedTokensPerMinute, (address, failures) => {
    // Whoever sent the token hears the same, whether it could be noted or not.
    void audit(services.db, { ...GRAPHIUM, address }, 'refuseToken', address, { failures }).catch((error: unknown) =>
      log.warn({ err: error, address, failures }, 'a refused token was not noted in the audit log'),
    );
  });
  const yoga = createGraphql(services, attempts, log);
  const page = createPage(options.pageFolder);
  const probes = createProbes(services.db);
  const attached: { close(): Promise<void> }[] = [];

  function handle(request: IncomingMessage, response: ServerResponse) {
    const path = request.url?.split('?')[0];
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (probes.answer(path, response)) return;
    if (path !== '/graphql') return page(request, response);
    response.setHeader('content-security-policy', PLAYGROUND_CSP);
    response.setHeader('cache-control', 'no-store');
    if (wantsPlayground(request)) return void servePlayground(options.pageFolder, response);
    void yoga(request, response);
  }

  return {
    fetch: async (request) => yoga.fetch(request),
    attach(server) {
      server.on('request', handle);
      attached.push(attachSockets(server, yoga, { services, attempts }, log));
    },
    async close() {
      probes.stop();
      await Promise.all(attached.map((one) => one.close()));
    },
  };
}

/** GraphiQL's editor makes style elements as it runs, and its fonts and pictures are inside its styles. */
const PLAYGROUND_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  'font-src data:',
  "worker-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
