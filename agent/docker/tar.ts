/** Packs files into a tar archive, as Docker takes it. */
import { constants } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type TarFile = {
  /** Within the archive, so without a slash at either end. */
  path: string;
  content: Uint8Array;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
};

/** A fixed time, so that the same files give the same bytes. */
const MODIFIED = new Date(0);
/** An owner's field in a header has six octal digits. */
const HIGHEST_IN_HEADER = 0o777777;

/** Contains the files alone: an entry for a directory would change the directory that the container has. */
export function toTar(files: TarFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { path, content, mode, uid, gid } of files) {
    // tar-stream takes a mode of 0 for none; it drops the bits of the type when it writes the header.
    const typedMode = constants.S_IFREG | mode;
    const header = { name: path, mode: typedMode, uid, gid, mtime: MODIFIED, pax: toLargeOwner(uid, gid) };
    archive.entry(header, Buffer.from(content));
  }
  archive.finalize();
  return buffer(archive);
}

/** tar-stream cuts off numbers that do not fit, so a large owner goes into an extended header. */
function toLargeOwner(uid: number, gid: number): Record<string, string> | null {
  if (uid <= HIGHEST_IN_HEADER && gid <= HIGHEST_IN_HEADER) return null;
  return { uid: String(uid), gid: String(gid) };
}
