import { describe, expect, test } from 'vitest';
import { createPortIndex } from '../../../../server/spec/ports.ts';
import type { PortSpec } from '../../../../server/spec/spec.ts';

const publish = (hostIp: string | null, more: Partial<PortSpec> = {}): PortSpec => ({
  containerPort: 80,
  hostPort: 8080,
  hostIp,
  protocol: 'tcp',
  ...more,
});

describe('one port of a host', () => {
  test.each([
    [null, null, true],
    [null, '::1', true],
    ['0.0.0.0', '10.0.0.1', true],
    ['0.0.0.0', '::', false],
    ['0.0.0.1', '10.0.0.1', false],
    ['::', '::1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['1.2.3.4', '::ffff:1.2.3.4', false],
  ])('at %s and at %s: taken is %s', (taken, wanted, isTaken) => {
    const expected = isTaken ? { port: '8080/tcp', by: 'web' } : undefined;
    for (const [one, other] of [
      [taken, wanted],
      [wanted, taken],
    ] as const) {
      const index = createPortIndex<string>();
      index.addAll([publish(one)], 'web');
      expect(index.find([publish(other)])).toEqual(expected);
    }
  });
});

test('another protocol, another port and one that Docker picks are free', () => {
  const index = createPortIndex<string>();
  index.addAll([publish(null), publish(null, { hostPort: null })], 'web');
  index.add({ port: 53, ip: null, protocol: 'udp' }, 'dns');
  const free = [publish(null, { protocol: 'udp' }), publish(null, { hostPort: 53 }), publish(null, { hostPort: null })];
  expect(index.find(free)).toBeUndefined();
  expect(index.find([...free, publish('::1', { hostPort: 53, protocol: 'udp' })])).toEqual({
    port: '53/udp',
    by: 'dns',
  });
});
