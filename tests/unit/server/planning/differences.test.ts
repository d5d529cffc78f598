import { describe, expect, test } from 'vitest';
import { containerDifferences, revisionDifferences } from '../../../../server/planning/differences.ts';
import type { FileSpec } from '../../../../server/spec/spec.ts';
import { containerOf, portOf, serviceOf, specOf } from '../../../support/planning/stories.ts';

describe('two containers', () => {
  const of = containerDifferences;
  test('differ by field, old and new, and what is empty is not there', () => {
    const before = containerOf('web', {
      image: 'nginx:1',
      environment: { LEVEL: 'info', OLD: '1' },
      memoryBytes: 1024,
    });
    const after = containerOf('web', {
      image: 'nginx:2',
      environment: { LEVEL: 'debug', NEW: '2' },
      ports: [portOf(80)],
    });
    expect(of(before, after).toSorted((a, b) => (a.field < b.field ? -1 : 1))).toEqual([
      { field: 'environment.LEVEL', old: 'info', new: 'debug' },
      { field: 'environment.NEW', old: null, new: '2' },
      { field: 'environment.OLD', old: '1', new: null },
      { field: 'image', old: 'nginx:1', new: 'nginx:2' },
      { field: 'memoryBytes', old: '1024', new: null },
      { field: 'ports', old: null, new: '[{"containerPort":80,"hostIp":null,"hostPort":80,"protocol":"tcp"}]' },
    ]);
  });

  test('are the same whatever the order in which the database has their keys', () => {
    const [port] = [portOf(80)];
    const turned = Object.fromEntries(Object.entries(port ?? {}).toReversed()) as typeof port;
    expect(
      of(containerOf('web', { ports: [portOf(80)] }), containerOf('web', { ports: turned ? [turned] : [] })),
    ).toEqual([]);
  });

  test('never show what looks secret, and say that it changed', () => {
    const url = (password: string) => ({
      environment: { DB_PASSWORD: password, URL: `postgres://me:${password}@db/x` },
    });
    const found = of(containerOf('web', url('hunter2')), containerOf('web', url('hunter3')));
    expect(found).toEqual([
      { field: 'environment.DB_PASSWORD', old: '(not shown)', new: '(not shown)' },
      { field: 'environment.URL', old: 'postgres://me:***@db/x', new: 'postgres://me:***@db/x' },
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter');
  });

  test('show a config and not a secret', () => {
    const file = (kind: FileSpec['kind'], content: string, digest: string): FileSpec => {
      return { kind, name: 'x', target: `/run/${kind}`, mode: 0o444, uid: 0, gid: 0, digest, content };
    };
    const before = containerOf('web', { files: [file('config', 'a=1', '11'), file('secret', 'gs1:one', '21')] });
    const after = containerOf('web', { files: [file('config', 'a=2', '12'), file('secret', 'gs1:two', '22')] });
    expect(of(before, after)).toEqual([
      { field: 'configs./run/config', old: 'a=1', new: 'a=2' },
      { field: 'secrets./run/secret', old: '(not shown) 21', new: '(not shown) 22' },
    ]);
  });
});

test('two revisions differ by service, network and volume', () => {
  const before = specOf('shop', [serviceOf('web'), serviceOf('db')]);
  const after = {
    ...specOf('shop', [serviceOf('web', { replicas: 3 }), serviceOf('cache')]),
    volumes: [{ name: 'shop_data' }],
  };
  expect(revisionDifferences(before, after)).toMatchObject([
    { subject: 'SERVICE', name: 'web', change: 'CHANGED', fields: [{ field: 'replicas', old: null, new: '3' }] },
    { subject: 'SERVICE', name: 'db', change: 'REMOVED' },
    { subject: 'SERVICE', name: 'cache', change: 'ADDED' },
    { subject: 'VOLUME', name: 'shop_data', change: 'ADDED' },
  ]);
});
