/**
 * Keeps the agent's own credential in one file that only its owner may read. The file is written whole or not at all, so
 * a crash leaves either the older credential or the new one.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const storedCredential = z.strictObject({
  /** The server's address as it was given, normalized by `env.ts`. */
  server: z.string().min(1),
  agentId: z.string().min(1),
  name: z.string().min(1),
  secret: z.string().min(1),
});

export type Credential = z.infer<typeof storedCredential>;

/** Something that a person has to fix before the agent can start. */
export class CredentialError extends Error {
  override name = 'CredentialError';
}

/** Returns undefined if there is no file. Throws a CredentialError if there is one that cannot be used. */
export async function findCredential(path: string, server: string): Promise<Credential | undefined> {
  const found = await stat(path).catch(ifAbsent(path));
  if (!found) return undefined;
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
    throw new CredentialError(`${path} may be read by others (mode ${mode}); run: chmod 600 ${path}`);
  }
  const text = await readFile(path, 'utf8').catch(ifAbsent(path));
  const credential = storedCredential.safeParse(parseJson(text ?? ''));
  if (!credential.success) {
    throw new CredentialError(`${path} holds no credential of an agent; move it away, and enroll with --join`);
  }
  if (credential.data.server !== server) {
    throw new CredentialError(
      `${path} belongs to the agent ${credential.data.name} of ${credential.data.server}, not of ${server}; ` +
        'name another file with --credential, or move this one away',
    );
  }
  return credential.data;
}

export const storeCredential = (path: string, credential: Credential): Promise<void> =>
  writePrivately(path, credential);

const storedSecret = z.strictObject({ join: z.string(), secret: z.string() });
const SECRET_BYTES = 32;
const secretPath = (path: string) => `${path}.enrolling`;

/**
 * Gives the secret that a credential for this join token is to have: the same one each time, also to a later process, so that
 * an enrollment whose answer was lost can be asked for again.
 */
export async function secretFor(path: string, join: string): Promise<string> {
  const text = await readFile(secretPath(path), 'utf8').catch(ifAbsent(secretPath(path)));
  const stored = storedSecret.safeParse(parseJson(text ?? ''));
  // The file need not hold the token too.
  const hash = createHash('sha256').update(join).digest('hex');
  if (stored.success && stored.data.join === hash) return stored.data.secret;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  await writePrivately(secretPath(path), { join: hash, secret });
  return secret;
}

export const forgetSecret = (path: string): Promise<void> => rm(secretPath(path), { force: true });

async function writePrivately(path: string, content: object): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Throws if the folder cannot be written to. This is checked before a join token is spent, because a token works once. */
export async function checkStorable(path: string): Promise<void> {
  const folder = dirname(path);
  const probe = join(folder, `.${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await (await open(probe, 'wx', 0o600)).close();
    await rm(probe);
  } catch (error) {
    throw new CredentialError(`the credential cannot be kept in ${path}: ${(error as Error).message}`);
  }
}

/** A rename is only on the disk once its folder is. */
async function syncFolder(folder: string) {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ifAbsent(path: string) {
  return (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CredentialError(`${path} cannot be read: ${error.message}`);
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
