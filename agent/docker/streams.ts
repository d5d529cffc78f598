/** Reads the two ways in which Docker cuts bytes into messages: lines and frames. */

/** Yields the lines of a byte stream. What follows the last line break counts as a line too. */
export async function* toLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

/**
 * Extracts a container's output. Without a TTY it comes in frames: 8 bytes (1 stdin/stdout/stderr, 3 zero, 4 length,
 * big-endian), then the text. With a TTY it comes as it is. Source: "Stream format" of Docker's API, ContainerAttach.
 */
export function demultiplex(bytes: Buffer, tty: boolean): Buffer {
  if (tty) return bytes;
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 8 <= bytes.length) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts);
}

export function toLogLines(bytes: Buffer, options: { tty: boolean; lines: number; chars: number }): string[] {
  const text = demultiplex(bytes, options.tty).toString('utf8');
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  if (lines.at(-1) === '') lines.pop();
  return lines
    .slice(-options.lines)
    .map((line) => (line.length > options.chars ? `${line.slice(0, options.chars - 1)}…` : line));
}
