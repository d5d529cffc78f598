import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Env } from '../base/env.ts';
import type { IssuedToken } from './issue.ts';
import { joinCommand, warningOf } from './join-command.ts';

/**
 * Returns what a start without a usable admin token tells whoever started it. A terminal is shown the admin token, which
 * exists nowhere else. What is no terminal is most likely a log that is kept and read by others: it is told the file that has the token.
 */
export function firstStart(env: Env, admin: IssuedToken, join: IssuedToken, isTerminal: boolean): string {
  const { url } = env.publicUrl;
  const expiresOn = admin.token.expiresAt?.toISOString().slice(0, 10);
  const file = isTerminal ? undefined : tryToWrite(env.secretKeyFile, admin);
  const warning = warningOf(url);
  const lines = [
    '',
    file === undefined
      ? 'No admin token works yet. Keep this one: it is shown this once.'
      : 'No admin token works yet. Keep this one and delete its file, which only this user can read.',
    '',
    `  admin token   ${file === undefined ? admin.secret : `in ${file}`}`,
    `                until ${expiresOn}; make one for each person in the page, under Tokens`,
    `  page          ${url}${file === undefined ? `/#token=${admin.secret}` : ''}`,
    `  playground    ${url}/graphql`,
    `  data          ${env.databaseUrl === undefined ? env.dataFolder : 'the database of DATABASE_URL'}`,
    '',
    'To add a host, run this on it within 15 minutes, in a checkout of Graphium:',
    '',
    `  ${joinCommand(url, join.secret, null)}`,
    '',
    ...(warning === null ? [] : [warning, '']),
  ];
  return `${lines.join('\n')}\n`;
}

/** @returns undefined where nothing can be written beside the key, such as a folder that is mounted to be read only */
function tryToWrite(keyFile: string, { token, secret }: IssuedToken): string | undefined {
  const file = join(dirname(keyFile), `admin-${token.id}.token`);
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return file;
  } catch {
    return undefined;
  }
}
