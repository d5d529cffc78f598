import { fileURLToPath } from 'node:url';

/**
 * How Node starts an agent, as `npm run agent` does: with little room for what is young, because an agent makes little and
 * lives long, and what was once taken stays resident.
 */
export const AGENT_ARGS = [
  '--max-semi-space-size=2',
  '--optimize-for-size',
  fileURLToPath(new URL('../agent/main.mjs', import.meta.url)),
];
