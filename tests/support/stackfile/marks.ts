/** `^` marks where each problem is expected to be, in order; the rest of the text is the file. */
export function takeMarks(marked: string): { text: string; places: { line: number; column: number }[] } {
  const parts = marked.split('^');
  const places = parts.slice(1).map((_, index) => {
    const lines = parts
      .slice(0, index + 1)
      .join('')
      .split('\n');
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  });
  return { text: parts.join(''), places };
}
