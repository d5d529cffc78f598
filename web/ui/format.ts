const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Turns 1536 into "1.5 KiB", with a space that does not break. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}\u00a0${UNITS[unit]}`;
}

/** Returns 7 s, 1 m 07 s, 2 h 05 m or 3 d 4 h. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Returns "just now", "5 min ago" or "in 14 min", and a date if it is more than four weeks away. */
export function formatRelative(atMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - atMs) / 1000);
  const amount = Math.abs(seconds);
  const said = (value: number, unit: string) => (seconds >= 0 ? `${value} ${unit} ago` : `in ${value} ${unit}`);
  if (amount < 5) return seconds >= 0 ? 'just now' : 'in a moment';
  if (amount < 60) return said(amount, 's');
  if (amount < 3600) return said(Math.round(amount / 60), 'min');
  if (amount < 86_400) return said(Math.round(amount / 3600), 'h');
  if (amount < 28 * 86_400) return said(Math.round(amount / 86_400), 'd');
  return new Date(atMs).toLocaleDateString();
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
