// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import {
  type Case,
  check,
  toService,
  toSpec,
  inService as withService,
} from '../../../../support/stackfile/compose-marks.ts';

const inService = (keys: string, more = 'volumes: {data: , other: }') => withService(keys, more);
const mountsOf = (keys: string) => toService(inService(keys), 'a').container.mounts;

describe('the short form', () => {
  test.each([
    ['data:/d', { type: 'volume', source: 'shop_data', target: '/d', readOnly: false }],
    ['data:/d:rw', { type: 'volume', source: 'shop_data', target: '/d', readOnly: false }],
    ['data:/d/:ro,nocopy', { type: 'volume', source: 'shop_data', target: '/d', readOnly: true, noCopy: true }],
    ['/d', { type: 'volume', source: null, target: '/d', readOnly: false }],
    ['/h:/d', { type: 'bind', source: '/h', target: '/d', readOnly: false, createHostPath: true }],
    ['/h:/d:ro', { type: 'bind', source: '/h', target: '/d', readOnly: true, createHostPath: true }],
    [
      '/h:/d:ro,rslave',
      { type: 'bind', source: '/h', target: '/d', readOnly: true, createHostPath: true, propagation: 'rslave' },
    ],
    ['/h:/d:cached', { type: 'bind', source: '/h', target: '/d', readOnly: false, createHostPath: true }],
  ])('%s', (text, mount) => {
    expect(mountsOf(`volumes: ["${text}"]`)).toEqual([mount]);
  });
});

describe('the long form', () => {
  test.each([
    ['type: volume, source: data, target: /d', { type: 'volume', source: 'shop_data', target: '/d', readOnly: false }],
    ['type: volume, target: /d', { type: 'volume', source: null, target: '/d', readOnly: false }],
    [
      'type: volume, source: data, target: /d, read_only: "true", volume: {nocopy: true}',
      { type: 'volume', source: 'shop_data', target: '/d', readOnly: true, noCopy: true },
    ],
    [
      'type: bind, source: /h, target: /d, bind: {propagation: shared, recursive: enabled}',
      { type: 'bind', source: '/h', target: '/d', readOnly: false, propagation: 'shared', createHostPath: true },
    ],
    [
      'type: bind, source: /h, target: /d, bind: {create_host_path: false}, x-why: y',
      { type: 'bind', source: '/h', target: '/d', readOnly: false, createHostPath: false },
    ],
    ['type: tmpfs, target: /d', { type: 'tmpfs', source: null, target: '/d', readOnly: false }],
    [
      'type: tmpfs, target: /d, tmpfs: {size: 65536, mode: 0o755}',
      { type: 'tmpfs', source: null, target: '/d', readOnly: false, sizeBytes: 65536, mode: 0o755 },
    ],
  ])('%s', (text, mount) => {
    expect(mountsOf(`volumes: [{${text}}]`)).toEqual([mount]);
  });
});

test('tmpfs, one or several, with options', () => {
  expect(mountsOf('tmpfs: /run')).toEqual([{ type: 'tmpfs', source: null, target: '/run', readOnly: false }]);
  expect(mountsOf('tmpfs: ["/a:size=64m,mode=1770,noexec,nosuid", "/b:ro"]')).toEqual([
    { type: 'tmpfs', source: null, target: '/a', readOnly: false, sizeBytes: 67108864, mode: 0o1770 },
    { type: 'tmpfs', source: null, target: '/b', readOnly: true },
  ]);
});

test('volumes at the top level: only those that are used', () => {
  const volumes = `volumes:
  data: {driver: local, driver_opts: {type: nfs, retries: 3}, labels: [a=b]}
  other: {external: true, name: "\${NAME}"}
  third: {name: my-own}
  fourth: {external: true}
  idle: {external: {name: x}}`;
  const text = inService('volumes: ["third:/3", "data:/1", "other:/2", "fourth:/4"]', volumes);
  expect(toSpec(text, { variables: { NAME: 'theirs' } }).volumes).toEqual([
    { name: 'shop_data', driver: 'local', driverOptions: { type: 'nfs', retries: '3' }, labels: { a: 'b' } },
    { name: 'theirs', external: true },
    { name: 'my-own' },
    { name: 'fourth', external: true },
  ]);
  expect(toService(text, 'a', { variables: { NAME: 'theirs' } }).container.mounts.map(({ source }) => source)).toEqual([
    'my-own',
    'shop_data',
    'theirs',
    'fourth',
  ]);
});

describe('refused', () => {
  const mount = 'services.a.volumes[0]';
  const cases: Case[] = [
    ['a relative path', 'volumes: [^"./a:/b"]', `UNSUPPORTED_FIELD ${mount}`],
    ['a path of a home', 'volumes: [^"~/a:/b"]', `UNSUPPORTED_FIELD ${mount}`],
    ['a path of Windows', 'volumes: [^"C:\\\\a:/b"]', `INVALID_VALUE ${mount}`],
    ['a relative path without a dot', 'volumes: [^"a/b:/b"]', `INVALID_NAME ${mount}`],
    ['an unknown volume', 'volumes: [^"dta:/b"]', `UNKNOWN_VOLUME ${mount}`],
    ['a relative target', 'volumes: [^"data:b"]', `INVALID_VALUE ${mount}`],
    ['the root as a target', 'volumes: [^"data:/"]', `INVALID_VALUE ${mount}`],
    ['an empty part', 'volumes: [^"data::ro"]', `INVALID_VALUE ${mount}`],
    ['four parts', 'volumes: [^"data:/b:ro:x"]', `INVALID_VALUE ${mount}`],
    ['SELinux', 'volumes: [^"/h:/b:z"]', `UNSUPPORTED_FIELD ${mount}`],
    ['an unknown option', 'volumes: [^"data:/b:rw,fast"]', `INVALID_VALUE ${mount}`],
    ['nocopy of a bind mount', 'volumes: [^"/h:/b:nocopy"]', `INVALID_VALUE ${mount}`],
    ['two at one place', 'volumes: ["data:/b", ^"other:/b/"]', 'DUPLICATE_MOUNT services.a.volumes[1]'],
    ['a tmpfs at a place', 'volumes: ["data:/b"]\n    tmpfs: ^/b', 'DUPLICATE_MOUNT services.a.tmpfs'],
    ['no list', 'volumes: ^data', 'WRONG_TYPE services.a.volumes'],
    ['no type', 'volumes: [^{target: /b}]', `MISSING_FIELD ${mount}.type`],
    ['another type', 'volumes: [{type: ^disk, target: /b}]', `INVALID_VALUE ${mount}.type`],
    ['npipe', 'volumes: [{^type: npipe, source: x, target: /b}]', `UNSUPPORTED_FIELD ${mount}.type`],
    ['cluster', 'volumes: [{^type: cluster, source: x, target: /b}]', `UNSUPPORTED_FIELD ${mount}.type`],
    ['image', 'volumes: [{^type: image, source: x, target: /b}]', `UNSUPPORTED_FIELD ${mount}.type`],
    [
      'subpath',
      'volumes: [{type: volume, source: data, target: /b, volume: {^subpath: x}}]',
      `UNSUPPORTED_FIELD ${mount}.volume.subpath`,
    ],
    [
      'labels of a mount',
      'volumes: [{type: volume, source: data, target: /b, volume: {^labels: {a: b}}}]',
      `UNSUPPORTED_FIELD ${mount}.volume.labels`,
    ],
    [
      'selinux',
      'volumes: [{type: bind, source: /h, target: /b, bind: {^selinux: z}}]',
      `UNSUPPORTED_FIELD ${mount}.bind.selinux`,
    ],
    [
      'recursive',
      'volumes: [{type: bind, source: /h, target: /b, bind: {^recursive: disabled}}]',
      `UNSUPPORTED_FIELD ${mount}.bind.recursive`,
    ],
    [
      'options of another type',
      'volumes: [{type: volume, target: /b, ^tmpfs: {size: 1}}]',
      `CONFLICTING_FIELDS ${mount}.tmpfs`,
    ],
    ['a tmpfs of something', 'volumes: [{type: tmpfs, source: ^data, target: /b}]', `INVALID_VALUE ${mount}.source`],
    ['a bind mount of nothing', 'volumes: [^{type: bind, target: /b}]', `MISSING_FIELD ${mount}.source`],
    ['a relative source', 'volumes: [{type: bind, source: ^a, target: /b}]', `UNSUPPORTED_FIELD ${mount}.source`],
    [
      'a mode that is not octal',
      'volumes: [{type: tmpfs, target: /b, tmpfs: {mode: ^0798}}]',
      `INVALID_VALUE ${mount}.tmpfs.mode`,
    ],
    [
      'a mode that is a decimal number',
      'volumes: [{type: tmpfs, target: /b, tmpfs: {mode: ^755}}]',
      `INVALID_VALUE ${mount}.tmpfs.mode`,
    ],
    ['a tmpfs for a user', 'tmpfs: ^/a:uid=1000', 'UNSUPPORTED_FIELD services.a.tmpfs'],
    ['a tmpfs option', 'tmpfs: [^"/a:fast"]', 'INVALID_VALUE services.a.tmpfs[0]'],
  ];
  test.each(cases)('%s', (_title, keys, ...complaints) => check(inService(keys), complaints));

  const declared: Case[] = [
    [
      'settings of an external volume',
      'volumes: {d: {external: true, ^driver: local}}',
      'CONFLICTING_FIELDS volumes.d.driver',
    ],
    ['a name', 'volumes: {d: {name: ^"a b"}}', 'INVALID_NAME volumes.d.name'],
    ['one name for two', 'volumes: {d: {name: a}, ^e: {name: a}}', 'DUPLICATE_NAME volumes.e'],
    ['a key', 'volumes: {^a b: }', 'INVALID_NAME volumes["a b"]'],
    ['an unknown setting', 'volumes: {d: {^size: 1}}', 'UNKNOWN_FIELD volumes.d.size'],
    ['options in a list', 'volumes: {d: {driver_opts: ^[a=b]}}', 'WRONG_TYPE volumes.d.driver_opts'],
    [
      'a bind mount of what lies beside the file',
      'volumes: {d: {driver_opts: ^{type: none, o: bind, device: ./data}}}',
      'INVALID_VALUE volumes.d.driver_opts',
    ],
    ['a reserved label', 'volumes: {d: {labels: {^graphium.x: a}}}', 'INVALID_NAME volumes.d.labels["graphium.x"]'],
  ];
  test.each(declared)('%s', (_title, marked, ...complaints) => check(inService('tty: true', marked), complaints));
});
