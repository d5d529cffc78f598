import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type TarEntry =
  | { path: string; kind: 'directory'; mode?: number }
  | { path: string; kind: 'file'; content: Uint8Array | string; mode?: number }
  | { path: string; kind: 'link'; target: string };

/** Every entry belongs to root and has the same time, so equal entries give equal bytes. */
const FIXED = { uid: 0, gid: 0, mtime: new Date(0) };

export function toTar(entries: TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const entry of entries) {
    if (entry.kind === 'file') {
      archive.entry({ ...FIXED, name: entry.path, mode: entry.mode ?? 0o644 }, Buffer.from(entry.content));
    } else if (entry.kind === 'directory') {
      archive.entry({ ...FIXED, name: `${entry.path}/`, type: 'directory', mode: entry.mode ?? 0o755 });
    } else {
      archive.entry({ ...FIXED, name: entry.path, type: 'symlink', linkname: entry.target, mode: 0o777 });
    }
  }
  archive.finalize();
  return buffer(archive);
}
