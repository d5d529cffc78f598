import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatRelative } from '../../../../web/ui/format.ts';

describe('words for numbers', () => {
  it.each([
    [0, '0\u00a0B'],
    [1023, '1023\u00a0B'],
    [1536, '1.5\u00a0KiB'],
    [157_286_400, '150\u00a0MiB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [-5, '0 s'],
    [7_900, '7 s'],
    [67_000, '1 m 07 s'],
    [7_500_000, '2 h 05 m'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it.each([
    [0, 'just now'],
    [42_000, '42 s ago'],
    [300_000, '5 min ago'],
    [-840_000, 'in 14 min'],
    [7_200_000, '2 h ago'],
  ])('%d ms ago', (ms, text) => expect(formatRelative(1_000_000_000, 1_000_000_000 + ms)).toBe(text));
});
