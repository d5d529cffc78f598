export type Range = [start: number, end: number];

/**
 * Puts a text in place of each of the ranges. All else stays on its line, so that a message about line 12 is still right.
 * @param toText gets what stood there
 */
export function replaceRanges(text: string, ranges: readonly Range[], toText: (was: string) => string): string {
  let replaced = text;
  let before = text.length;
  for (const [start, end] of ranges.toSorted((a, b) => b[0] - a[0])) {
    if (end > before || start === end) continue;
    const was = text.slice(start, end);
    const lines = was.match(/(?:\r\n|\n|\r)[ \t]*/g) ?? [];
    // Anything after it on the last line, such as a closing brace, must stay indented.
    const breaks = lines.map((line, index) => (index < lines.length - 1 ? line.replace(/[ \t]+$/, '') : line));
    replaced = replaced.slice(0, start) + toText(was) + breaks.join('') + replaced.slice(end);
    before = start;
  }
  return replaced;
}
