/** Pure: files -> a POSIX ustar archive, as Docker takes it. */

export type TarFile = {
  /** Within the archive: no slash at its beginning, none at its end. */
  path: string;
  content: Uint8Array;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
};

const blockBytes = 512;
const nameBytes = 100;
const prefixBytes = 155;

/** Only the files themselves: a directory in the archive would change the one that is there. Throws a RangeError at a path that is too long. */
export function toTar(files: TarFile[]): Buffer {
  const blocks = files.flatMap((file) => {
    const padding = Buffer.alloc((blockBytes - (file.content.length % blockBytes)) % blockBytes);
    return [toHeader(file), file.content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function toHeader({ path, content, mode, uid, gid }: TarFile): Buffer {
  const header = Buffer.alloc(blockBytes);
  const [prefix, name] = splitPath(path);
  header.write(name, 0);
  writeNumber(header, mode, 100, 8);
  writeNumber(header, uid, 108, 8);
  writeNumber(header, gid, 116, 8);
  writeNumber(header, content.length, 124, 12);
  writeNumber(header, 0, 136, 12);
  header.fill(' ', 148, 156);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** A long path goes into two fields, cut at one of its slashes. */
function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= nameBytes) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) > prefixBytes) break;
    if (Buffer.byteLength(name) <= nameBytes && name !== '') return [prefix, name];
  }
  throw new RangeError(
    `the path /${path} is too long for an archive: about 250 bytes fit, 100 of them as its last part`,
  );
}

/** Octal digits; a number with too many of them in binary, with the highest bit of the field set (GNU tar, and Go's). */
function writeNumber(header: Buffer, value: number, offset: number, width: number): void {
  const octal = value.toString(8);
  if (octal.length < width) {
    header.write(`${octal.padStart(width - 1, '0')}\0`, offset, 'latin1');
  } else {
    header[offset] = 0x80;
    header.writeUIntBE(value, offset + width - 6, 6);
  }
}
