import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const KEY_BYTES = 32;
const KEY_FORM = /^[A-Za-z0-9+/]{43}=\n?$/;

/**
 * Reads the key of the installation, 32 random bytes in base64 in a file that only its owner may read, and makes it when
 * it is not there. Several servers that start at once agree on one.
 * @throws Error that says what to mend
 */
export async function loadKey(path: string): Promise<Buffer> {
  try {
    return (await findKey(path)) ?? (await createKey(path));
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(`${path} cannot be read or made: ${(error as Error).message}`);
  }
}

class KeyError extends Error {
  override name = 'KeyError';

  constructor(message: string) {
    super(`GRAPHIUM_SECRET_KEY_FILE: ${message}`);
  }
}

async function findKey(path: string): Promise<Buffer | undefined> {
  const found = await stat(path).catch(ifAbsent);
  if (!found) return undefined;
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyError(`${path} may be read by others (mode ${mode}); run: chmod 600 ${path}`);
  }
  const text = await readFile(path, 'utf8');
  if (KEY_FORM.test(text)) return Buffer.from(text, 'base64');
  throw new KeyError(
    `${path} holds no key: expected ${KEY_BYTES} bytes in base64, as from: openssl rand -base64 ${KEY_BYTES}`,
  );
}

/**
 * Writes the whole key under another name and links it, which fails where there is one by now: nobody ever reads half a
 * key.
 */
async function createKey(path: string): Promise<Buffer> {
  const folder = dirname(path);
  // It stays open to others: an embedded Postgres runs below it, under an account of its own.
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    await write(temporary, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
  const key = await findKey(path);
  if (!key) throw new KeyError(`${path} vanished while it was made`);
  return key;
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the key outlive a power failure before anything is sealed, which would be worth nothing without it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
