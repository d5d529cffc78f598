/** Reads the file that says what containers on this host may do. */
import { readFile, stat } from 'node:fs/promises';
import { type Policy, parsePolicy } from './policy/schema.ts';

/** Write permission for the group and for others. */
const WRITABLE = 0o022;

/** @throws Error that says what to mend, also when somebody but root and this process's user may write to the file */
export async function readPolicy(path: string): Promise<Policy> {
  const { uid, mode } = await stat(path);
  const own = process.getuid?.();
  if (own !== undefined) {
    if (uid !== 0 && uid !== own) {
      throw new Error(`belongs to user ${uid}, who could allow everything on this host; run: chown ${own} ${path}`);
    }
    if ((mode & WRITABLE) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(4, '0');
      throw new Error(`may be written by others than its owner (mode ${bits}); run: chmod go-w ${path}`);
    }
  }
  return parsePolicy(JSON.parse(await readFile(path, 'utf8')));
}
