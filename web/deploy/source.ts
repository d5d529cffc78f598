import { newKey } from '../key.ts';
import { formatBytes } from '../ui/format.ts';

/** The text of a stack file and, when it came from one, the file's name. A text that takes another's place has a new id. */
export type Source = { id: string; name: string | null; text: string };

/** As much as the server takes (SOURCE_TOO_LARGE). */
const MOST_BYTES = 512 * 1024;

export async function readSource(files: File[]): Promise<{ source: Source } | { refusal: string }> {
  const [file, ...others] = files;
  if (!file) return { refusal: 'That was no file.' };
  if (others.length > 0) return { refusal: `One stack file at a time, please: these were ${files.length}.` };
  if (file.size > MOST_BYTES) {
    return {
      refusal: `${file.name} has ${formatBytes(file.size)}; a stack file has at most ${formatBytes(MOST_BYTES)}.`,
    };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return { source: { id: newKey(), name: file.name, text } };
  } catch {
    return { refusal: `${file.name} is not a text file (UTF-8), or cannot be read.` };
  }
}
