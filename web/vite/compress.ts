import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** A smaller file fits into one packet as it is. */
const WORTHWHILE_BYTES = 1_400;
/** Above this size the best quality of Brotli takes many seconds and gains next to nothing. */
const LARGE_BYTES = 500_000;

/** Writes `x.br` and `x.gz` beside each file `x`; the server sends the one that a browser understands. */
export function compress(): Plugin {
  return {
    name: 'graphium-compress',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      const files = Object.values(bundle).map((file) => ({
        path: join(dir, file.fileName),
        bytes: Buffer.from(file.type === 'chunk' ? file.code : file.source),
      }));
      const worthwhile = files.filter(({ bytes }) => bytes.length > WORTHWHILE_BYTES);
      await Promise.all(worthwhile.flatMap(({ path, bytes }) => [writeBrotli(path, bytes), writeGzip(path, bytes)]));
    },
  };
}

async function writeBrotli(path: string, bytes: Buffer): Promise<void> {
  const quality = bytes.length > LARGE_BYTES ? 9 : constants.BROTLI_MAX_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }));
}

async function writeGzip(path: string, bytes: Buffer): Promise<void> {
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes));
}
