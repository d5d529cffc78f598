/** One entry of a tar archive; owner is root and the time is fixed, so equal content gives equal bytes. */
export type TarEntry =
  | { path: string; kind: 'directory'; mode?: number }
  | { path: string; kind: 'file'; content: Uint8Array | string; mode?: number }
  | { path: string; kind: 'link'; target: string };

const blockBytes = 512;
const typeFlag = { file: '0', link: '2', directory: '5' } as const;

/** A POSIX ustar archive. Paths and link targets are limited to 100 bytes, which throws a RangeError. */
export function toTar(entries: TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = entry.kind === 'file' ? Buffer.from(entry.content) : Buffer.alloc(0);
    const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);
    return [toHeader(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function toHeader(entry: TarEntry, bytes: number): Buffer {
  const header = Buffer.alloc(blockBytes);
  const mode = entry.kind === 'link' ? 0o777 : (entry.mode ?? (entry.kind === 'directory' ? 0o755 : 0o644));
  writeText(header, entry.kind === 'directory' ? `${entry.path}/` : entry.path, 0, 100);
  writeOctal(header, mode, 100, 8);
  writeOctal(header, 0, 108, 8);
  writeOctal(header, 0, 116, 8);
  writeOctal(header, bytes, 124, 12);
  writeOctal(header, 0, 136, 12);
  header.fill(' ', 148, 156);
  header.write(typeFlag[entry.kind], 156);
  if (entry.kind === 'link') writeText(header, entry.target, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function writeOctal(header: Buffer, value: number, offset: number, width: number): void {
  header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
}

function writeText(header: Buffer, text: string, offset: number, width: number): void {
  if (Buffer.byteLength(text) > width) throw new RangeError(`too long for a tar header: ${text}`);
  header.write(text, offset);
}
