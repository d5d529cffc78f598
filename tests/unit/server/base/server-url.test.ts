import { describe, expect, test } from 'vitest';
import { isLoopback, machineAddress, originOf, serverUrlFor } from '../../../../server/base/server-url.ts';

describe('how a client reached the server', () => {
  test.each([
    ['a browser says it', { origin: 'https://graphium.example.com' }, 'https://graphium.example.com'],
    ['any other client by the host it asked for', {}, 'http://10.1.2.3:4000'],
    ['through a proxy over TLS', { 'x-forwarded-proto': 'https' }, 'https://10.1.2.3:4000'],
    ['through two', { 'x-forwarded-proto': 'https, http' }, 'https://10.1.2.3:4000'],
    ['a proxy that says nothing useful', { 'x-forwarded-proto': 'javascript' }, 'http://10.1.2.3:4000'],
    ['nobody knows', { origin: 'null' }, undefined],
    ['what a shell would read', { origin: 'http://x;reboot' }, undefined],
  ])('%s', (_name, headers, origin) => {
    expect(originOf('http://10.1.2.3:4000/graphql', new Headers(headers))).toBe(origin);
  });
});

test('what the environment says counts for more than the request, which counts for more than a guess', () => {
  const given = { url: 'https://graphium.example.com', isGiven: true };
  const guess = { url: 'http://192.168.0.7:4000', isGiven: false };
  expect(serverUrlFor(given, 'http://10.1.2.3:4000')).toBe(given.url);
  expect(serverUrlFor(guess, 'http://10.1.2.3:4000')).toBe('http://10.1.2.3:4000');
  expect(serverUrlFor(guess, 'http://localhost:4000')).toBe(guess.url);
  expect(serverUrlFor(guess, undefined)).toBe(guess.url);
});

test('loopback has many names', () => {
  expect(['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'].filter(isLoopback)).toHaveLength(6);
  expect(['0.0.0.0', '10.0.0.1', 'localhost.example.com', '::', '128.0.0.1'].filter(isLoopback)).toEqual([]);
});

test("the machine's address is not that of a network of containers", () => {
  const of = (address: string, internal = false) => [{ address, internal, family: 'IPv4' } as never];
  const interfaces = { lo: of('127.0.0.1', true), docker0: of('172.17.0.1'), eth0: of('192.168.0.7') };
  expect(machineAddress(interfaces)).toBe('192.168.0.7');
  expect(machineAddress({ lo: of('127.0.0.1', true) })).toBeUndefined();
});
