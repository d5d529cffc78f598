import { buffer } from 'node:stream/consumers';
import { extract, type Headers } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { type TarFile, toTar } from '../../../../agent/docker/tar.ts';

const file: TarFile = { path: 'a/b', content: Buffer.from('hi'), mode: 0o640, uid: 1, gid: 2 };
const text = (tar: Buffer, from: number, bytes: number) =>
  tar.toString('latin1', from, from + bytes).replace(/[ \0].*$/s, '');

async function unpack(tar: Buffer) {
  const found: { header: Headers & { pax?: object }; content: Buffer }[] = [];
  const unpacked = extract();
  const done = new Promise((resolve, reject) => unpacked.on('finish', resolve).on('error', reject));
  unpacked.on('entry', async (header, stream, next) => {
    found.push({ header, content: await buffer(stream) });
    next();
  });
  unpacked.end(tar);
  await done;
  return found;
}

describe('an archive', () => {
  it('has a header and the content of each file, and no directories', async () => {
    const tar = await toTar([file]);
    expect(tar.length).toBe(512 * 4);
    expect(text(tar, 0, 100)).toBe('a/b');
    expect(Number.parseInt(text(tar, 100, 8), 8)).toBe(0o640);
    expect(Number.parseInt(text(tar, 124, 12), 8)).toBe(2);
    expect(text(tar, 156, 1)).toBe('0');
    expect(text(tar, 257, 6)).toBe('ustar');
    expect(text(tar, 512, 2)).toBe('hi');
  });

  it('splits a long path into the two fields of a header', async () => {
    const tar = await toTar([{ ...file, path: `${'d'.repeat(90)}/${'e'.repeat(90)}` }]);
    expect(text(tar, 0, 100)).toBe('e'.repeat(90));
    expect(text(tar, 345, 155)).toBe('d'.repeat(90));
  });

  it.each([
    ['a name of 101 bytes', 'x'.repeat(101)],
    ['a path of 1,000 bytes', `${'d/'.repeat(450)}${'e'.repeat(100)}`],
    ['letters beyond ASCII', 'srv/größe/名前'],
  ])('keeps %s', async (_, path) => {
    const [found] = await unpack(await toTar([{ ...file, path }]));
    expect(found).toMatchObject({ header: { name: path, mode: 0o640, uid: 1, gid: 2 }, content: file.content });
  });

  it.each([
    ['a large user', { uid: 3_000_000_000 }],
    ['a large group', { gid: 4_294_967_294 }],
    ['the first that does not fit', { uid: 0o1000000, gid: 0o777777 }],
  ])('keeps %s', async (_, owner) => {
    const [found] = await unpack(await toTar([{ ...file, ...owner }]));
    const { uid, gid } = { ...file, ...owner };
    expect({ uid: found?.header.uid, gid: found?.header.gid, ...found?.header.pax }).toMatchObject(
      uid > 0o777777 || gid > 0o777777 ? { uid: String(uid), gid: String(gid) } : { uid, gid },
    );
    expect(found?.content).toEqual(file.content);
  });

  it.each([0, 0o4755])('keeps the mode %o', async (mode) => {
    const [found] = await unpack(await toTar([{ ...file, mode }]));
    expect(found?.header.mode).toBe(mode);
  });

  it('keeps large contents and empty ones, and is the same for the same files', async () => {
    const large = Buffer.alloc(3_000_001, 'graphium');
    const files = [{ ...file, content: large }, { ...file, content: new Uint8Array() }, file];
    const tar = await toTar(files);
    const contents = (await unpack(tar)).map(({ content }) => content);
    expect(contents.map(({ length }) => length)).toEqual([3_000_001, 0, 2]);
    expect(contents[0]?.equals(large)).toBe(true);
    expect((await toTar(files)).equals(tar)).toBe(true);
  });
});
