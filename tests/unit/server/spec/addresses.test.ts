import { describe, expect, test } from 'vitest';
import {
  contains,
  containsSubnet,
  familyOf,
  isSameAddress,
  isUnspecified,
  type Subnet,
  toAddress,
  toSubnet,
} from '../../../../server/spec/addresses.ts';

function address(text: string) {
  const found = toAddress(text);
  if (!found) throw new Error(`${text} is no address`);
  return found;
}

function subnet(text: string): Subnet {
  const found = toSubnet(text);
  if (!found) throw new Error(`${text} is no subnet`);
  return found;
}

describe('addresses', () => {
  test.each([
    ['10.1.2.3', 4, [10, 1, 2, 3]],
    ['::', 6, Array(16).fill(0)],
    ['2001:DB8::5', 6, [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 5]],
    ['::ffff:1.2.3.4', 6, [...Array(10).fill(0), 255, 255, 1, 2, 3, 4]],
    ['::1.2.3.4', 6, [...Array(12).fill(0), 1, 2, 3, 4]],
    ['::1:2:3:4:5:6:7', 6, [0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7]],
  ] as const)('%s', (text, family, bytes) => {
    expect(familyOf(address(text))).toBe(family);
    expect(address(text).toByteArray()).toEqual(bytes);
  });

  test.each(['', '1.2', '010.1.1.1', '0x7f.0.0.1', '2130706433', '256.1.1.1', '1.2.3.4/8', 'fe80::1%eth0', '1::2::3'])(
    '%j is none',
    (text) => expect(toAddress(text)).toBeUndefined(),
  );

  test('are the same however they are written, within a family', () => {
    expect(isSameAddress(address('::0A'), address('0:0:0:0:0:0:0:a'))).toBe(true);
    expect(isSameAddress(address('1.2.3.4'), address('::ffff:1.2.3.4'))).toBe(false);
  });

  test('0.0.0.0 and :: alone are unspecified', () => {
    expect(
      ['0.0.0.0', '::', '0::0', '0.0.0.1', '::1', '::ffff:0.0.0.0'].map((text) => isUnspecified(address(text))),
    ).toEqual([true, true, true, false, false, false]);
  });
});

describe('subnets', () => {
  test.each([
    ['10.20.0.0/16', '10.20.0.0', '10.20.255.255', false],
    ['10.20.0.5/30', '10.20.0.4', '10.20.0.7', true],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', false],
    ['10.0.0.1/32', '10.0.0.1', '10.0.0.1', false],
    ['2001:db8::/126', '2001:db8::', '2001:db8::3', false],
    ['2001:db8::1/64', '2001:db8::', '2001:db8::ffff:ffff:ffff:ffff', true],
  ])('%s', (text, first, last, hasHostBits) => {
    const found = toSubnet(text);
    expect([found?.first.toString(), found?.last.toString(), found?.hasHostBits]).toEqual([first, last, hasHostBits]);
  });

  test.each(['', '10.0.0.0', '10.0.0.0/33', '::/129', '10.0/8', '010.0.0.0/8', 'fe80::%1/64', '10.0.0.0/-1', '/8'])(
    '%j is none',
    (text) => expect(toSubnet(text)).toBeUndefined(),
  );

  test('contain addresses and smaller subnets of their own family', () => {
    const outer = subnet('10.0.0.0/8');
    expect(['10.255.0.1', '11.0.0.0', '::ffff:10.0.0.1'].map((text) => contains(outer, address(text)))).toEqual([
      true,
      false,
      false,
    ]);
    expect(
      ['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', 'a00::/8'].map((text) => containsSubnet(outer, subnet(text))),
    ).toEqual([true, true, false, false]);
  });
});
