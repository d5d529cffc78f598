import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createVault, openFiles, sealFiles } from '../../../../server/secrets/seal.ts';
import { hashOf, specHashOf } from '../../../../server/spec/hash.ts';
import type { FileSpec } from '../../../../server/spec/spec.ts';
import { containerOf, serviceOf, specOf } from '../../../support/planning/stories.ts';

const vault = createVault(Buffer.alloc(32, 1));
const other = createVault(Buffer.alloc(32, 2));
const hashOfText = (text: string) => createHash('sha256').update(text).digest('hex');
const mismatch = expect.objectContaining({ code: 'SECRET_KEY_MISMATCH' });

describe('a sealed text', () => {
  test.each(['', 'x', 'pässwörd 🔑', '\0\r\n', 'gs1:abc', 'x'.repeat(500_000)])('there and back: %#', (plain) => {
    const sealed = vault.seal(plain, 'shop:password');
    expect(sealed).toMatch(/^gs1:[A-Za-z0-9_-]+$/);
    expect(vault.open(sealed, 'shop:password')).toBe(plain);
    expect(createVault(Buffer.alloc(32, 1)).open(sealed, 'shop:password')).toBe(plain);
  });

  test('shows nothing, and is another one each time', () => {
    const sealed = Array.from({ length: 100 }, () => vault.seal('password', 'a'));
    expect(new Set(sealed).size).toBe(100);
    for (const text of sealed) {
      expect(Buffer.from(text.slice(4), 'base64url').includes('password')).toBe(false);
      expect(Buffer.from(text.slice(4), 'base64url')).toHaveLength(12 + 'password'.length + 16);
    }
  });

  test('opens for what it was sealed for and nothing else', () => {
    const sealed = vault.seal('x', 'shop:password');
    for (const owner of ['', 'shop', 'shop:passwor', 'blog:password']) {
      expect(() => vault.open(sealed, owner)).toThrow(mismatch);
    }
  });

  test('opens with its own key only; the error names the secret and the way out', () => {
    const sealed = vault.seal('hidden', 'shop:password');
    expect(() => other.open(sealed, 'shop:password')).toThrow(mismatch);
    expect(() => other.open(sealed, 'shop:password')).toThrow(/"shop:password".*another key.*GRAPHIUM_SECRET_KEY_FILE/);
    expect(() => other.open(sealed, 'shop:password')).not.toThrow(/hidden/);
  });

  test('that was changed anywhere does not open', () => {
    const sealed = vault.seal('secret', 'a');
    const bytes = Buffer.from(sealed.slice(4), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => vault.open(`gs1:${changed.toString('base64url')}`, 'a')).toThrow(mismatch);
    }
    for (const text of ['', 'gs1:', 'secret', sealed.slice(4), sealed.slice(0, -4), `gs2:${sealed.slice(4)}`]) {
      expect(() => vault.open(text, 'a')).toThrow(mismatch);
    }
  });
});

test('digests: equal for equal texts under one key, others under another, and no plain hash', () => {
  expect(vault.digest('a')).toMatch(/^[0-9a-f]{64}$/);
  expect(vault.digest('a')).toBe(createVault(Buffer.alloc(32, 1)).digest('a'));
  const all = [vault.digest('a'), vault.digest('b'), other.digest('a'), hashOf('a')];
  expect(new Set(all).size).toBe(4);
});

const file = (more: Partial<FileSpec> = {}): FileSpec => ({
  kind: 'secret',
  name: 'password',
  target: '/run/secrets/password',
  mode: 0o444,
  uid: 0,
  gid: 0,
  digest: '',
  content: 'hidden',
  ...more,
});
const shopOf = (...files: FileSpec[]) => specOf('shop', [serviceOf('web', { container: { files } }), serviceOf('db')]);
const webOf = (spec: ReturnType<typeof shopOf>) => spec.services[0]?.container ?? containerOf('none');

describe('the files of a stack', () => {
  test('secrets are sealed and opened again, configs are not', () => {
    const config = file({ kind: 'config', name: 'nginx', digest: 'd', content: 'worker_processes 1;' });
    const plain = shopOf(file(), config);
    const sealed = sealFiles(plain, vault, 'shop');
    expect(JSON.stringify(sealed)).not.toContain('hidden');
    expect(webOf(sealed).files?.[1]).toEqual(config);
    expect(webOf(sealed).files?.[0]?.digest).toBe(vault.digest('hidden'));
    expect(openFiles(webOf(sealed), vault, 'shop').files?.map(({ content }) => content)).toEqual([
      'hidden',
      'worker_processes 1;',
    ]);
    expect(webOf(plain).files?.[0]?.content).toBe('hidden');
  });

  test('what is sealed stays as it is, even without its key', () => {
    const sealed = sealFiles(shopOf(file()), vault, 'shop');
    expect(sealFiles(sealed, vault, 'shop')).toEqual(sealed);
    expect(sealFiles(sealed, other, 'shop')).toEqual(sealed);
  });

  test("a person's secret may look like a sealed one", () => {
    const content = vault.seal('inner', 'shop:password');
    for (const digest of ['', hashOfText(content)]) {
      const sealed = sealFiles(shopOf(file({ content, digest })), vault, 'shop');
      expect(openFiles(webOf(sealed), vault, 'shop').files?.[0]?.content).toBe(content);
    }
  });

  test('they open for their own stack only', () => {
    const sealed = webOf(sealFiles(shopOf(file()), vault, 'shop'));
    expect(() => openFiles(sealed, vault, 'blog')).toThrow(mismatch);
    expect(() => openFiles(sealed, other, 'shop')).toThrow(mismatch);
  });

  test('a stack without secrets is not touched', () => {
    const spec = specOf('shop', [serviceOf('web')]);
    expect(sealFiles(spec, vault, 'shop').services[0]).toBe(spec.services[0]);
    expect(openFiles(containerOf('web'), vault, 'shop')).toEqual(containerOf('web'));
  });
});

describe('the hash of a container', () => {
  test('is that of its spec where there are no files', () => {
    expect(specHashOf(containerOf('web'))).toBe(hashOf(containerOf('web')));
  });

  test('is the same when a secret is sealed again, and another when it, its mode or its place changes', () => {
    const hash = (key: Buffer, ...files: FileSpec[]) =>
      specHashOf(webOf(sealFiles(shopOf(...files), createVault(key), 'shop')));
    const key = randomBytes(32);
    expect(hash(key, file())).toBe(hash(key, file()));
    const others = [file({ content: 'x' }), file({ mode: 0o400 }), file({ target: '/x' })].map((one) => hash(key, one));
    expect(new Set([hash(key), hash(key, file()), hash(randomBytes(32), file()), ...others]).size).toBe(6);
  });
});
