import { readFileSync } from 'node:fs';
import { type Plan, plan } from '../planning/plan.ts';
import { fromSaved } from '../planning/saved-input.ts';

/**
 * `npm run replay -- FILE`: plans again from what `planStack { input }` answered ("-" reads standard input), and prints
 * what would be done. It needs no server and no database, since planning is pure.
 */
export function describePlan({ changes, tasks, downtime, hash }: Plan): string {
  const numbers = new Map(tasks.map(({ key }, index) => [key, index + 1]));
  const lines = [
    ...changes.map(
      ({ action, agentId, containerName, reason }) => `${action} ${containerName} on ${agentId}: ${reason}`,
    ),
    '',
    ...tasks.map(({ key, kind, agentId, containerName, image, blockedBy }) => {
      const after = blockedBy.map((blocker) => numbers.get(blocker.key)).join(', ');
      const what = containerName ?? image ?? 'networks and volumes';
      return `${numbers.get(key)}. ${kind} ${what} on ${agentId}${after === '' ? '' : `, after ${after}`}`;
    }),
    '',
    ...downtime.map(
      ({ service, expected, reason }) => `${service}: ${expected ? 'downtime' : 'no downtime'}, ${reason}`,
    ),
    `hash ${hash}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @param file its path; "-" is standard input. @throws Error when it cannot be read or holds no input of a plan */
export function replay(file: string): string {
  return describePlan(plan(fromSaved(JSON.parse(readFileSync(file === '-' ? process.stdin.fd : file, 'utf8')))));
}

const USAGE = `Usage: npm run replay -- FILE

Plans again from the answer of planStack { input } in FILE ("-": standard input), and prints what would be done.
`;

if (import.meta.main) {
  try {
    const [file] = process.argv.slice(2);
    if (file === '--help') process.stdout.write(USAGE);
    else if (file === undefined) throw new Error(`expected a FILE\n\n${USAGE}`);
    else process.stdout.write(replay(file));
  } catch (error) {
    process.stderr.write(`replay: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
