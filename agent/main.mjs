/**
 * The agent's entry. What Node makes of the sources is kept, so that the next start needs no compiler of TypeScript, which
 * would stay in memory; for the same reason this file is JavaScript. The directory is the checkout's own: whoever can write
 * to it could write to the sources as well.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/graphium-agent', import.meta.url)));
const { main } = await import('./run.ts');
// An agent that is killed would not leave it behind.
flushCompileCache();
process.exit(await main());
