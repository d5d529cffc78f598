import { buffer } from 'node:stream/consumers';
import { extract, type Headers } from 'tar-stream';
import { expect, test } from 'vitest';
import { type TarEntry, toTar } from '../../../lab/tar.ts';

async function unpack(tar: Buffer) {
  const found: (Headers & { bytes: number })[] = [];
  const unpacked = extract();
  const done = new Promise((resolve, reject) => unpacked.on('finish', resolve).on('error', reject));
  unpacked.on('entry', async (header, stream, next) => {
    found.push({ ...header, bytes: (await buffer(stream)).length });
    next();
  });
  unpacked.end(tar);
  await done;
  return found;
}

const target = 'far/'.repeat(60);
const entries: TarEntry[] = [
  { path: 'tmp', kind: 'directory', mode: 0o1777 },
  { path: 'big', kind: 'file', content: Buffer.alloc(3_000_001, 7), mode: 0o755 },
  { path: `${'d/'.repeat(200)}hosts`, kind: 'file', content: '' },
  { path: 'bin/sh', kind: 'link', target: 'busybox' },
  { path: 'bin/ash', kind: 'link', target },
];

test('an archive holds directories, files and links of any length, all owned by root', async () => {
  const root = { uid: 0, gid: 0, mtime: new Date(0) };
  expect(await unpack(await toTar(entries))).toMatchObject([
    { ...root, name: 'tmp/', type: 'directory', mode: 0o1777 },
    { ...root, name: 'big', type: 'file', mode: 0o755, bytes: 3_000_001 },
    { ...root, name: `${'d/'.repeat(200)}hosts`, type: 'file', mode: 0o644, bytes: 0 },
    { ...root, name: 'bin/sh', type: 'symlink', mode: 0o777, linkname: 'busybox' },
    { ...root, name: 'bin/ash', type: 'symlink', mode: 0o777, linkname: target },
  ]);
});

test('equal entries give equal bytes', async () => {
  expect((await toTar(entries)).equals(await toTar(entries))).toBe(true);
});
