import { describe, expect, it } from 'vitest';
import {
  readBytes,
  readDurationMs,
  readFlag,
  readInteger,
  readNumber,
  readPairs,
  readText,
  readTexts,
  toMs,
} from '../../../../../server/stackfile/compose/scalars.ts';
import { toBytes } from '../../../../../server/stackfile/values.ts';
import { toRead } from '../../../../support/stackfile/compose-service.ts';

describe('durations', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['10ms', 10],
    ['40s', 40_000],
    ['1m30s', 90_000],
    ['1h5m30s20ms', 3_930_020],
    ['1.5h', 5_400_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['0.1s0.2s', 300],
    // Never down to nothing.
    ['500us', 1],
    ['1500us', 2],
  ])('%s is %i ms', (text, ms) => expect(toMs(text)).toBe(ms));

  it.each(['', '30', '1m 30s', '-5s', '5 s', '5x', 's', '.s', '1e3s', '5S'])('%j is none', (text) => {
    expect(toMs(text)).toBeUndefined();
  });

  it('asks for the unit', () => {
    const { value, report, problems } = toRead(30);
    expect(readDurationMs(report, value)).toBeUndefined();
    expect(problems()[0]?.message).toBe('expected a duration with its unit such as 500ms, 30s or 1m30s, found "30"');
  });
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

  it('takes numbers, and says what it takes', () => {
    const good = toRead(4096);
    expect(readBytes(good.report, good.value)).toBe(4096);
    const bad = toRead('lots');
    expect(readBytes(bad.report, bad.value)).toBeUndefined();
    expect(bad.problems()[0]).toMatchObject({
      code: 'INVALID_VALUE',
      message: 'expected bytes, or a size such as 512m or 1gb, found "lots"',
    });
  });
});

const readers = { readFlag, readInteger, readNumber, readText, readTexts };

it.each([
  ['readFlag', true, true],
  ['readFlag', 'true', true],
  ['readFlag', 'Yes', true],
  ['readFlag', 'on', true],
  ['readFlag', '1', true],
  ['readFlag', 'no', false],
  ['readFlag', 'OFF', false],
  ['readInteger', 3, 3],
  ['readInteger', '3', 3],
  ['readInteger', '-1', -1],
  ['readNumber', '0.5', 0.5],
  ['readNumber', '.5', 0.5],
  ['readText', 'a', 'a'],
  ['readText', 1.5, '1.5'],
  ['readText', false, 'false'],
  ['readTexts', 'a', ['a']],
  ['readTexts', ['a', 1, true], ['a', '1', 'true']],
] as const)('%s takes %j as %j', (name, json, expected) => {
  const { value, report, problems } = toRead(json);
  expect(readers[name](report, value)).toEqual(expected);
  expect(problems()).toEqual([]);
});

it.each([
  ['readFlag', 'maybe', 'INVALID_VALUE', 'expected true or false, found "maybe"'],
  ['readFlag', 2, 'INVALID_VALUE', 'expected true or false, found "2"'],
  ['readFlag', null, 'WRONG_TYPE', 'expected true or false, found null (leave the field out instead)'],
  ['readInteger', '1.5', 'INVALID_VALUE', 'expected a whole number, found "1.5"'],
  ['readInteger', 1.5, 'INVALID_VALUE', 'expected a whole number, found "1.5"'],
  ['readInteger', '', 'INVALID_VALUE', 'expected a whole number, found ""'],
  ['readNumber', '1,5', 'INVALID_VALUE', 'expected a number, found "1,5"'],
  ['readText', [], 'WRONG_TYPE', 'expected a string, found a list'],
  ['readTexts', { a: 1 }, 'WRONG_TYPE', 'expected a string, or a list, found an object'],
] as const)('%s refuses %j', (name, json, code, message) => {
  const { value, report, problems } = toRead(json);
  expect(readers[name](report, value)).toBeUndefined();
  expect(problems()).toMatchObject([{ code, message }]);
});

it('names the range', () => {
  const { value, report, problems } = toRead(['12', -1]);
  if (value.kind !== 'list') throw new Error('no list');
  readInteger(report, value.items[0], { min: 1, max: 10 });
  readInteger(report, value.items[1], { min: 0 });
  expect(problems().map(({ message }) => message)).toEqual([
    'expected a whole number from 1 to 10, found "12"',
    'expected a whole number from 0 up, found "-1"',
  ]);
});

describe('pairs', () => {
  it.each([
    [
      { a: 'x', b: 1.1, c: true, d: null, e: '' },
      { a: 'x', b: '1.1', c: 'true', d: '', e: '' },
    ],
    [['a=x', 'b=y=z', 'c', 'd='], { a: 'x', b: 'y=z', c: '', d: '' }],
    [['a=1', 'a=2'], { a: '2' }],
    [JSON.parse('{"__proto__": "x"}'), JSON.parse('{"__proto__": "x"}')],
  ])('%j', (json, expected) => {
    const { value, report, problems } = toRead(json);
    expect(JSON.stringify(readPairs(report, value))).toBe(JSON.stringify(expected));
    expect(problems()).toEqual([]);
  });

  it('reports names and values that cannot be', () => {
    const { value, report, problems } = toRead({ a: [], '': 'x' });
    readPairs(report, value);
    expect(problems().map(({ code, path }) => `${code} ${path}`)).toEqual(['WRONG_TYPE a', 'INVALID_NAME [""]']);
  });
});
