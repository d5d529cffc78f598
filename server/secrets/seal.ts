import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { GraphiumError } from '../base/errors.ts';
import type { Vault } from '../db/types.ts';
import type { ContainerSpec, FileSpec, StackSpec } from '../spec/spec.ts';

const PREFIX = 'gs1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** The prefix and at least an empty text's nonce and tag. */
const SEALED_FORM = /^gs1:[\w-]{38,}$/;

/**
 * Secrets at rest are `gs1:` and, in base64url, a random 96-bit nonce, the AES-256-GCM ciphertext and its 128-bit tag. What
 * is sealed for `<stack>:<secret>` opens for nothing else, so that whoever can write to the database cannot pass one
 * stack's secret to another. All keys derive from the one key of the installation, which is not in the database.
 * @param key 32 bytes
 */
export function createVault(key: Buffer): Vault {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `graphium ${purpose} v1`, KEY_BYTES));
  const sealingKey = derive('secret sealing');
  const digestKey = derive('secret digest');
  return {
    seal(plain, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(owner));
      const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${PREFIX}${sealed.toString('base64url')}`;
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
      if (!sealed.startsWith(PREFIX) || bytes.length < NONCE_BYTES + TAG_BYTES)
        throw cannotOpen(`The secret "${owner}"`);
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, bytes.subarray(0, NONCE_BYTES), options);
      decipher.setAAD(Buffer.from(owner));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([plain, decipher.final()]).toString('utf8');
      } catch {
        throw cannotOpen(`The secret "${owner}"`);
      }
    },
    digest: (plain) => createHmac('sha256', digestKey).update(plain).digest('hex'),
  };
}

export const cannotOpen = (what: string): GraphiumError =>
  new GraphiumError(
    'SECRET_KEY_MISMATCH',
    `${what} cannot be opened: it was sealed with another key than this server's, or changed in the database. ` +
      'All servers of one database need the same key file (GRAPHIUM_SECRET_KEY_FILE); it belongs to the backups of the database. ' +
      'If the key is lost, deploy the stack file again with its variables and secrets.',
  );

const ownerOf = (stackName: string, file: FileSpec) => `${stackName}:${file.name}`;

/** Seals the secrets among the files of a stack. Sealed ones stay as they are, so that old revisions can be used again. */
export function sealFiles(spec: StackSpec, vault: Vault, stackName: string): StackSpec {
  const seal = (file: FileSpec): FileSpec => ({
    ...file,
    digest: vault.digest(file.content),
    content: vault.seal(file.content, ownerOf(stackName, file)),
  });
  return {
    ...spec,
    services: spec.services.map((service) => {
      const container = withSecrets(service.container, (file) => (isSealed(file) ? file : seal(file)));
      return container === service.container ? service : { ...service, container };
    }),
  };
}

/** Opens the secrets among the files of a container. @throws GraphiumError SECRET_KEY_MISMATCH */
export function openFiles(container: ContainerSpec, vault: Vault, stackName: string): ContainerSpec {
  return withSecrets(container, (file) => ({
    ...file,
    content: vault.open(file.content, ownerOf(stackName, file)),
  }));
}

function withSecrets(container: ContainerSpec, change: (file: FileSpec) => FileSpec): ContainerSpec {
  if (!container.files?.some((file) => file.kind === 'secret')) return container;
  return { ...container, files: container.files.map((file) => (file.kind === 'secret' ? change(file) : file)) };
}

/**
 * Tells a sealed secret from a person's that begins like one. A parser knows no key: it leaves the digest empty or takes
 * the plain one, which no sealed secret has.
 */
function isSealed({ content, digest }: FileSpec): boolean {
  if (!SEALED_FORM.test(content)) return false;
  return digest !== '' && digest !== createHash('sha256').update(content).digest('hex');
}
