/** Texts that Compose files have in place of other values. Undefined stands for one that is not understood. */

const TRUE = ['true', '1', 't', 'y', 'yes', 'on'];
const FALSE = ['false', '0', 'f', 'n', 'no', 'off'];

export function toFlag(text: string): boolean | undefined {
  if (TRUE.includes(text.toLowerCase())) return true;
  return FALSE.includes(text.toLowerCase()) ? false : undefined;
}

/** Octal permission bits. */
export function toMode(text: string): number | undefined {
  const digits = /^(?:0o)?([0-7]{1,6})$/.exec(text)?.[1];
  const mode = digits === undefined ? undefined : Number.parseInt(digits, 8);
  return mode !== undefined && mode <= 0o7777 ? mode : undefined;
}
