import { describe, expect, it } from 'vitest';
import { OPTION_KEYS } from '../../../../../../server/stackfile/compose/service/service.ts';
import { complaint, complaints, container, options, read } from '../../../../../support/stackfile/compose-service.ts';

it('says nothing about what the file does not say', () => {
  const { container, ...rest } = options({});
  expect(Object.keys(container)).toEqual([]);
  expect(rest).toEqual({ image: 'app', containerName: undefined, ports: [], dependsOn: [], profiles: [] });
  expect(Object.keys(rest)).not.toContain('replicas');
  expect(new Set(OPTION_KEYS).size).toBe(OPTION_KEYS.length);
});

it('leaves empty lists and maps out', () => {
  const keys = {
    cap_add: [],
    devices: [],
    dns: [],
    environment: {},
    extra_hosts: {},
    healthcheck: {},
    labels: [],
    logging: {},
    security_opt: [],
    ulimits: {},
    deploy: null,
    pid: null,
  };
  expect(Object.keys(container(keys))).toEqual([]);
});

describe('command and entrypoint', () => {
  it.each([
    ['bundle exec thin -p 3000', ['bundle', 'exec', 'thin', '-p', '3000']],
    [`/bin/sh -c 'echo "hello $HOSTNAME"'`, ['/bin/sh', '-c', 'echo "hello $HOSTNAME"']],
    ['a "b c" d\\ e \'\'', ['a', 'b c', 'd e', '']],
    [
      ['php', '-d', 'x=y z'],
      ['php', '-d', 'x=y z'],
    ],
    [
      ['sleep', 10, true],
      ['sleep', '10', 'true'],
    ],
    [[], []],
    ['', []],
    ['  ', []],
  ])('%j', (written, words) => {
    expect(container({ command: written, entrypoint: written })).toEqual({ command: words, entrypoint: words });
  });

  it('takes null as the image’s own', () => expect(container({ command: null, entrypoint: null })).toEqual({}));

  it.each(['a && b', "it's", 'a > b', 'a \\'])('refuses %j', (command) => {
    expect(complaints({ command })).toEqual(['INVALID_VALUE command']);
  });

  it('refuses other kinds', () => {
    expect(complaints({ command: { a: 1 }, entrypoint: [null] })).toEqual([
      'WRONG_TYPE command',
      'WRONG_TYPE entrypoint[0]',
    ]);
  });
});

describe('environment', () => {
  const variables = { FROM_OUTSIDE: 'here', EMPTY: '' };

  it.each([
    [
      { A: 'x', B: 1.1, C: true, EMPTY: null, FROM_OUTSIDE: null, NOWHERE: null, D: '' },
      { A: 'x', B: '1.1', C: 'true', EMPTY: '', FROM_OUTSIDE: 'here', D: '' },
    ],
    [['A=x', 'B=y=z', 'FROM_OUTSIDE', 'NOWHERE', 'D='], { A: 'x', B: 'y=z', FROM_OUTSIDE: 'here', D: '' }],
    [['A=1', 'A=2'], { A: '2' }],
  ])('%j', (environment, expected) => {
    expect(container({ environment }, variables).environment).toEqual(expected);
  });

  it('keeps x- names, which are the user’s here', () => {
    expect(container({ labels: { 'x-a': 'b' }, annotations: ['x-c=d'] })).toEqual({
      labels: { 'x-a': 'b' },
      annotations: { 'x-c': 'd' },
    });
  });

  it('refuses names and values that cannot be, and repeats no value', () => {
    expect(complaints({ environment: { 'a b': 'x', C: [] } })).toEqual([
      'INVALID_NAME environment["a b"]',
      'WRONG_TYPE environment.C',
    ]);
    expect(complaint({ environment: ['=secret'] })).not.toContain('secret');
    expect(complaints({ labels: ['com.docker.compose.project=x'] })).toEqual(['INVALID_NAME labels[0]']);
  });
});

describe('depends_on', () => {
  const dependencies = (depends_on: unknown) =>
    options({ depends_on }).dependsOn.map(({ place, ...dependency }) => ({ ...dependency, at: place.path }));

  it('takes a list', () => {
    const started = { condition: 'STARTED', required: true, restart: false };
    expect(dependencies(['db', 'redis'])).toEqual([
      { service: 'db', ...started, at: 'depends_on[0]' },
      { service: 'redis', ...started, at: 'depends_on[1]' },
    ]);
  });

  it('takes a map', () => {
    const map = {
      db: { condition: 'service_healthy', restart: true },
      redis: { condition: 'service_started', 'x-note': 1 },
      migrate: { condition: 'service_completed_successfully', required: 'false' },
    };
    expect(dependencies(map)).toEqual([
      { service: 'db', condition: 'HEALTHY', required: true, restart: true, at: 'depends_on.db' },
      { service: 'redis', condition: 'STARTED', required: true, restart: false, at: 'depends_on.redis' },
      { service: 'migrate', condition: 'COMPLETED', required: false, restart: false, at: 'depends_on.migrate' },
    ]);
  });

  it.each([
    ['db', 'WRONG_TYPE depends_on'],
    [['db', 'db'], 'DUPLICATE_NAME depends_on[1]'],
    [[{}], 'WRONG_TYPE depends_on[0]'],
    [{ db: null }, 'WRONG_TYPE depends_on.db'],
    [{ db: { condition: 'healthy' } }, 'INVALID_VALUE depends_on.db.condition'],
    [{ db: { requird: true } }, 'UNKNOWN_FIELD depends_on.db.requird'],
  ])('refuses %j', (depends_on, expected) => expect(complaints({ depends_on })).toEqual([expected]));
});

describe('healthcheck', () => {
  const none = { intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 };
  it.each([
    [
      {
        test: ['CMD', 'curl', '-f', 'http://localhost'],
        interval: '1m30s',
        timeout: '10s',
        retries: 3,
        start_period: '40s',
        start_interval: '5s',
      },
      {
        test: ['CMD', 'curl', '-f', 'http://localhost'],
        intervalMs: 90_000,
        timeoutMs: 10_000,
        retries: 3,
        startPeriodMs: 40_000,
        startIntervalMs: 5_000,
      },
    ],
    [
      { test: 'curl -f x || exit 1', retries: '5' },
      { ...none, test: ['CMD-SHELL', 'curl -f x || exit 1'], retries: 5 },
    ],
    [{ test: ['CMD-SHELL', 'a || b'] }, { ...none, test: ['CMD-SHELL', 'a || b'] }],
    [
      { test: ['NONE'], interval: '5s' },
      { ...none, test: ['NONE'] },
    ],
    [{ disable: true }, { ...none, test: ['NONE'] }],
    [
      { disable: 'yes', test: 'x', interval: '5s' },
      { ...none, test: ['NONE'] },
    ],
    [
      { disable: false, test: 'x' },
      { ...none, test: ['CMD-SHELL', 'x'] },
    ],
    // The image's own test at other times.
    [{ interval: '5s' }, { ...none, test: [], intervalMs: 5_000 }],
  ])('%j', (healthcheck, expected) => expect(container({ healthcheck }).healthCheck).toEqual(expected));

  it.each([
    [{ test: [] }, 'INVALID_VALUE healthcheck.test'],
    [{ test: '' }, 'INVALID_VALUE healthcheck.test'],
    [{ test: ['curl', 'x'] }, 'INVALID_VALUE healthcheck.test'],
    [{ test: ['CMD-SHELL', 'a', 'b'] }, 'INVALID_VALUE healthcheck.test'],
    [{ test: ['NONE', 'a'] }, 'INVALID_VALUE healthcheck.test'],
    [{ test: 'x', interval: 30 }, 'INVALID_VALUE healthcheck.interval'],
    [{ test: 'x', retries: -1 }, 'INVALID_VALUE healthcheck.retries'],
    [{ test: 'x', intervall: '3s' }, 'UNKNOWN_FIELD healthcheck.intervall'],
  ])('refuses %j', (healthcheck, expected) => expect(complaints({ healthcheck })).toEqual([expected]));
});

it.each([
  ['no', { name: 'no', maximumRetryCount: 0 }],
  ['always', { name: 'always', maximumRetryCount: 0 }],
  ['unless-stopped', { name: 'unless-stopped', maximumRetryCount: 0 }],
  ['on-failure', { name: 'on-failure', maximumRetryCount: 0 }],
  ['on-failure:3', { name: 'on-failure', maximumRetryCount: 3 }],
])('restart: %s', (restart, expected) => expect(container({ restart }).restart).toEqual(expected));

it.each(['never', 'always:3', false])('refuses restart: %j', (restart) => {
  expect(complaints({ restart })).toHaveLength(1);
});

it('reads names and the image', () => {
  const { image, containerName, profiles } = options({
    image: `my-private.registry:5000/redis@sha256:${'a'.repeat(64)}`,
    container_name: 'my-web',
    profiles: ['debug', 'a.b'],
  });
  expect(image).toBe(`my-private.registry:5000/redis@sha256:${'a'.repeat(64)}`);
  expect(containerName).toMatchObject({ text: 'my-web', place: { path: 'container_name' } });
  expect(profiles).toEqual(['debug', 'a.b']);
});

it.each([
  [{ image: undefined }, 'MISSING_FIELD image'],
  [{ image: 'Web' }, 'INVALID_IMAGE image'],
  [{ container_name: '-a' }, 'INVALID_NAME container_name'],
  [{ profiles: ['a b'] }, 'INVALID_NAME profiles[0]'],
  [{ profiles: 'a' }, 'WRONG_TYPE profiles'],
])('refuses %j', (keys, expected) => expect(complaints(keys)).toEqual([expected]));

it('finds every problem in one pass, in the order of the file', () => {
  const { problems } = read({ image: undefined, tty: 'maybe', dns: 'x', build: '.' });
  expect(problems.map(({ code, line }) => `${code} ${line}`)).toEqual([
    'INVALID_VALUE 2',
    'INVALID_VALUE 3',
    'UNSUPPORTED_FIELD 4',
  ]);
});
