import { describe, expect, it } from 'vitest';
import { toMs } from '../../../../../server/stackfile/duration.ts';
import { toReader } from '../../../../support/stackfile/compose-service.ts';

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
    // Rounding never makes nothing of a short time.
    ['500us', 1],
    ['1500us', 2],
  ])('%s is %i ms', (text, ms) => expect(toMs(text)).toBe(ms));

  it.each(['', '30', '1m 30s', '-5s', '5 s', '5x', 's', '.s', '1e3s', '5S'])('%j is none', (text) => {
    expect(toMs(text)).toBeUndefined();
  });

  it('asks for the unit', () => {
    const { reader, problems } = toReader(30);
    expect(reader.durationMs()).toBeUndefined();
    expect(problems()[0]?.message).toBe('expected a duration with its unit such as 500ms, 30s or 1m30s, found "30"');
  });
});

describe('sizes', () => {
  it('takes numbers, and says what it takes', () => {
    const good = toReader(4096);
    expect(good.reader.bytes()).toBe(4096);
    const bad = toReader('lots');
    expect(bad.reader.bytes()).toBeUndefined();
    expect(bad.problems()[0]).toMatchObject({
      code: 'INVALID_VALUE',
      message: 'expected bytes, or a size such as 512m or 1gb, found "lots"',
    });
  });
});

it.each([
  ['flag', true, true],
  ['flag', 'true', true],
  ['flag', 'Yes', true],
  ['flag', 'on', true],
  ['flag', '1', true],
  ['flag', 'no', false],
  ['flag', 'OFF', false],
  ['integer', 3, 3],
  ['integer', '3', 3],
  ['integer', '-1', -1],
  ['number', '0.5', 0.5],
  ['number', '.5', 0.5],
  ['text', 'a', 'a'],
  ['text', 1.5, '1.5'],
  ['text', false, 'false'],
  ['texts', 'a', ['a']],
  ['texts', ['a', 1, true], ['a', '1', 'true']],
] as const)('%s takes %j as %j', (name, json, expected) => {
  const { reader, problems } = toReader(json);
  expect(reader[name]()).toEqual(expected);
  expect(problems()).toEqual([]);
});

it.each([
  ['flag', 'maybe', 'INVALID_VALUE', 'expected true or false, found "maybe"'],
  ['flag', 2, 'INVALID_VALUE', 'expected true or false, found "2"'],
  ['flag', null, 'WRONG_TYPE', 'expected true or false, found null (leave the field out instead)'],
  ['integer', '1.5', 'INVALID_VALUE', 'expected a whole number, found "1.5"'],
  ['integer', 1.5, 'INVALID_VALUE', 'expected a whole number, found "1.5"'],
  ['integer', '', 'INVALID_VALUE', 'expected a whole number, found ""'],
  ['number', '1,5', 'INVALID_VALUE', 'expected a number, found "1,5"'],
  ['text', [], 'WRONG_TYPE', 'expected a string, found a list'],
  ['texts', { a: 1 }, 'WRONG_TYPE', 'expected a string, or a list, found an object'],
] as const)('%s refuses %j', (name, json, code, message) => {
  const { reader, problems } = toReader(json);
  expect(reader[name]()).toBeUndefined();
  expect(problems()).toMatchObject([{ code, message }]);
});

it('names the range', () => {
  const { reader, problems } = toReader(['12', -1]);
  const [first, second] = reader.items;
  first?.integer({ min: 1, max: 10 });
  second?.integer({ min: 0 });
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
    const { reader, problems } = toReader(json);
    expect(JSON.stringify(reader.pairs())).toBe(JSON.stringify(expected));
    expect(problems()).toEqual([]);
  });

  it('reports names and values that cannot be', () => {
    const { reader, problems } = toReader({ a: [], '': 'x' });
    reader.pairs();
    expect(problems().map(({ code, path }) => `${code} ${path}`)).toEqual(['WRONG_TYPE a', 'INVALID_NAME [""]']);
  });
});
