import { expect, test } from 'vitest';
import { hashOf, specHashOf, toStableJson } from '../../../../server/spec/hash.ts';
import type { ContainerSpec, FileSpec } from '../../../../server/spec/spec.ts';

const file: FileSpec = {
  kind: 'secret',
  name: 'key',
  target: '/run/secrets/key',
  mode: 0o444,
  uid: 0,
  gid: 0,
  digest: 'd1',
  content: 'sealed',
};
const container = { name: 'web', image: 'nginx', files: [file] } as unknown as ContainerSpec;

test('the order of keys does not matter, that of a list does', () => {
  expect(toStableJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  expect(hashOf({ a: 1, b: { c: 2, d: 3 } })).toBe(hashOf({ b: { d: 3, c: 2 }, a: 1 }));
  expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
});

test('a file counts by its digest, not by its content', () => {
  const withFile = (more: Partial<FileSpec>) => specHashOf({ ...container, files: [{ ...file, ...more }] });
  expect(withFile({ content: 'sealed again' })).toBe(specHashOf(container));
  expect(withFile({ digest: 'd2' })).not.toBe(specHashOf(container));
});
