import { newKey } from '../key.ts';
import { formatBytes } from '../ui/format.ts';

/** The text of a stack file and the name of the file that it came from, if any. Text that replaces it has a new id. */
export type Source = { id: string; name: string | null; text: string };

/** The server's limit (SOURCE_TOO_LARGE). */
const MOST_BYTES = 512 * 1024;

export async function readSource(files: File[]): Promise<{ source: Source } | { refusal: string }> {
  const [file, ...others] = files;
  if (!file) return { refusal: 'That was not a file.' };
  if (others.length > 0) return { refusal: `Choose one stack file at a time; these were ${files.length}.` };
  if (file.size > MOST_BYTES) {
    return {
      refusal: `${file.name} is ${formatBytes(file.size)} long; a stack file may be at most ${formatBytes(MOST_BYTES)}.`,
    };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return { source: { id: newKey(), name: file.name, text } };
  } catch {
    return { refusal: `${file.name} is not a text file (UTF-8) or cannot be read.` };
  }
}
