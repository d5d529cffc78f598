export type Label = { key: string; value: string };

export const formatLabels = (labels: readonly Label[]): string =>
  labels.map(({ key, value }) => `${key}=${value}`).join('\n');

/** Reads one `key=value` per line and skips empty lines. */
export function parseLabels(text: string): { labels: Label[] } | { mistake: string } {
  const labels: Label[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const at = trimmed.indexOf('=');
    if (at < 1) return { mistake: `Line ${index + 1}: write a label as key=value.` };
    const key = trimmed.slice(0, at).trim();
    if (labels.some((label) => label.key === key)) return { mistake: `Line ${index + 1}: ${key} occurs twice.` };
    labels.push({ key, value: trimmed.slice(at + 1).trim() });
  }
  return { labels };
}
