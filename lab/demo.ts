import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DeploymentView } from './client.ts';
import { type Graphium, startGraphium } from './graphium.ts';
import { findLab, type Lab } from './lab.ts';
import { leftoversOf } from './leftovers.ts';
import { createProgress } from './progress.ts';

/**
 * `npm run demo` starts three Docker hosts, a server and three agents, deploys a stack on all of them, and runs until
 * Ctrl-C. With `--once` it deletes the stack instead, checks on every engine that nothing is left, and ends.
 */
const USAGE = 'Usage: npm run demo [-- --once]';
const STACK = 'nginx-multihost';
const FILE = fileURLToPath(new URL(`../examples/${STACK}-stack.json`, import.meta.url));

const say = (line = '') => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== '--once')) {
    say(USAGE);
    return args.includes('--help') ? 0 : 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  await using started = new AsyncDisposableStack();

  const lab = await findLab({ log: (line) => say(`  ${line}`) });
  started.defer(() => lab.close());
  stop.signal.throwIfAborted();
  const graphium = await startGraphium(lab, (line) => say(`  ${line}`));
  started.defer(() => graphium.close());
  stop.signal.throwIfAborted();

  say(`\nDeploying ${STACK} through the API:\n`);
  await run(graphium, await graphium.client.deploy(readFileSync(FILE, 'utf8')));
  await announce(lab, graphium);
  if (args.includes('--once')) {
    say(`\nDeleting ${STACK}:\n`);
    await run(graphium, await graphium.client.delete(STACK));
    await verifyNothingLeft(lab);
    say('\nNothing of the stack is left on any host.');
    return 0;
  }
  say('\nCtrl-C stops everything.');
  await delay(2 ** 31 - 1, undefined, { signal: stop.signal }).catch(() => {});
  say('\nStopping ...');
  if (lab.mode === 'shared') await run(graphium, await graphium.client.delete(STACK));
  return 0;
}

async function run({ client }: Graphium, deploymentId: string): Promise<void> {
  const progress = createProgress(process.stdout);
  const deployment = await client.follow(deploymentId, progress.show);
  if (deployment.status !== 'SUCCEEDED') throw new Error(reasonOf(deployment));
}

function reasonOf({ status, cause }: DeploymentView): string {
  if (!cause) return `the deployment is ${status}`;
  const where = [cause.containerName, cause.agent && `on ${cause.agent}`].filter(Boolean).join(' ');
  return [`the deployment is ${status}: ${cause.code} ${where}`, cause.message, ...cause.logs].join('\n  ');
}

async function announce(lab: Lab, { url, adminToken }: Graphium): Promise<void> {
  say('\nThese answer now:\n');
  for (const [index, host] of lab.hosts.entries()) {
    const address = `http://${host.address}:${8081 + index}`;
    const response = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${address} answers ${response.status}`);
    const title = /<title>(.*?)<\/title>/.exec(await response.text())?.[1] ?? '';
    say(`  ${address}   ${host.name.padEnd(16)} ${title}`);
  }
  say(`\n  page        ${url}/#token=${adminToken}`);
  say(`  playground  ${url}/graphql   with the header  Authorization: Bearer ${adminToken}`);
}

async function verifyNothingLeft(lab: Lab): Promise<void> {
  const left = await Promise.all(
    lab.hosts.map(async (host) => (await leftoversOf(host.socketPath, STACK)).map((what) => `${host.name}: ${what}`)),
  );
  if (left.flat().length > 0) throw new Error(`something of the stack is left:\n  ${left.flat().join('\n  ')}`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const aborted = error instanceof Error && error.name === 'AbortError';
    process.stderr.write(aborted ? 'stopped\n' : `\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(aborted ? 130 : 1);
  },
);
