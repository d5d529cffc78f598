import { describe, expect, it } from 'vitest';
import { splitCommand, toBytes } from '../../../../server/stackfile/values.ts';

describe('command lines', () => {
  it.each<[line: string, words: string[] | undefined]>([
    ['', []],
    [' \t\r\n', []],
    ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
    ['\'a b\' "c d"', ['a b', 'c d']],
    ['a"b c"\'d\'e', ['ab cde']],
    ['"" \'\'', ['', '']],
    ['a\\ b', ['a b']],
    ['\\n\\t\\\\', ['\n\t\\']],
    ['"a\\"b\\n" \'a\\n\'', ['a"b\n', 'a\\n']],
    ['"a;b" \'&|\' \\>', ['a;b', '&|', '>']],
    ['a\u00a0b', ['a\u00a0b']],
    ['eval x$(date "+%s") `id -u`', ['eval', 'x$(date "+%s")', '`id -u`']],
    ['$a (', undefined],
  ])('%j', (line, words) => expect(splitCommand(line)).toEqual(words));

  it.each(['"a', "a 'b", 'a\\', 'a;b', 'a && b', 'a | b', 'a > b', '$(a', '`a', '(a)', '$((1))'])(
    '%j is none',
    (line) => {
      expect(splitCommand(line)).toBeUndefined();
    },
  );
});

describe('sizes', () => {
  it.each([
    ['2b', 2],
    ['1024kb', 1_048_576],
    ['2048k', 2_097_152],
    ['300m', 314_572_800],
    ['1gb', 1_073_741_824],
    ['1.5g', 1_610_612_736],
    ['1GiB', 1_073_741_824],
    ['64M', 67_108_864],
    ['1048576', 1_048_576],
  ])('%s is %i bytes', (text, bytes) => expect(toBytes(text)).toBe(bytes));

  it.each(['', 'm', '-1', '1x', '1 0m', '1mbb'])('%j is none', (text) => expect(toBytes(text)).toBeUndefined());
});
