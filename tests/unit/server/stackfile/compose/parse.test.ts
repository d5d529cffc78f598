// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import { locateService } from '../../../../../server/stackfile/compose/parse.ts';
import { parse, toService, toSpec } from '../../../../support/stackfile/compose-marks.ts';
import { PLAIN_NETWORK as NETWORK, plain } from '../../../../support/stackfile/plain.ts';

describe('a whole file', () => {
  // Merges through anchors, an octal mode, nested variables, a profile, the default network and one of its own.
  const file = `version: "3.8"
name: shop
x-defaults: &defaults
  restart: unless-stopped
  environment: &env
    LEVEL: info
    ZONE: \${ZONE:-\${REGION-eu}}
services:
  web:
    <<: *defaults
    image: nginx:\${TAG:?which?}
    environment:
      <<: *env
      LEVEL: debug
      PRICE: 5$$
    ports: ["8080-8081:80-81"]
    volumes:
      - data:/srv/data:ro
      - /etc/ssl:/etc/ssl
      - {type: tmpfs, target: /tmp/, tmpfs: {size: 1gb, mode: 01777}}
    networks:
      back: {aliases: [www, web]}
      default:
    configs: [{source: motd, target: /etc/motd, mode: 0640, uid: "103"}]
    secrets: [key]
    depends_on: {db: {condition: service_healthy, restart: true}}
    deploy: {replicas: 2}
  db:
    <<: *defaults
    image: postgres
    container_name: the-db
    networks: [back]
  debug:
    image: busybox
    build: .
    profiles: [dev]
    networks: [unused]
networks:
  back: {name: shop-back, internal: true}
  unused:
volumes:
  data: {driver_opts: {size: 10}}
  idle:
configs:
  motd: {content: "hello \${TAG}"}
secrets:
  key: {environment: KEY}
`;
  const variables = { TAG: 'alpine', KEY: 's3cret' };
  const parsed = parse(file, { variables });

  test('is normalised', () => {
    const restart = { name: 'unless-stopped', maximumRetryCount: 0 } as const;
    expect(parsed.ok ? parsed.spec : parsed).toEqual({
      name: 'shop',
      description: null,
      placement: 'together',
      services: [
        {
          name: 'web',
          host: null,
          nameBase: 'shop-web',
          replicas: 2,
          dependsOn: [{ service: 'db', condition: 'HEALTHY', required: true, restart: true }],
          container: plain('shop-web-1', 'web', {
            image: 'nginx:alpine',
            restart,
            environment: { LEVEL: 'debug', PRICE: '5$', ZONE: 'eu' },
            ports: [
              { containerPort: 80, hostPort: 8080, hostIp: null, protocol: 'tcp' },
              { containerPort: 81, hostPort: 8081, hostIp: null, protocol: 'tcp' },
            ],
            mounts: [
              { type: 'volume', source: 'shop_data', target: '/srv/data', readOnly: true },
              { type: 'bind', source: '/etc/ssl', target: '/etc/ssl', readOnly: false, createHostPath: true },
              { type: 'tmpfs', source: null, target: '/tmp', readOnly: false, sizeBytes: 1073741824, mode: 0o1777 },
            ],
            networks: [
              { name: 'shop-back', aliases: ['web', 'www'] },
              { name: 'shop_default', aliases: ['web'] },
            ],
            files: [
              {
                kind: 'config',
                name: 'motd',
                target: '/etc/motd',
                mode: 0o440,
                uid: 103,
                gid: 0,
                digest: '0662ca9e9378d7728a1327caff1cbb2f3e32d2858b114c95adb9145fd29d856a',
                content: 'hello alpine',
              },
              {
                kind: 'secret',
                name: 'key',
                target: '/run/secrets/key',
                mode: 0o444,
                uid: 0,
                gid: 0,
                digest: '1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0',
                content: 's3cret',
              },
            ],
          }),
        },
        {
          name: 'db',
          host: null,
          dependsOn: [],
          container: plain('the-db', 'db', {
            image: 'postgres',
            restart,
            environment: { LEVEL: 'info', ZONE: 'eu' },
            networks: [{ name: 'shop-back', aliases: ['db', 'the-db'] }],
          }),
        },
      ],
      networks: [
        { ...NETWORK, name: 'shop-back', internal: true },
        { ...NETWORK, name: 'shop_default' },
      ],
      volumes: [{ name: 'shop_data', driverOptions: { size: '10' } }],
    });
  });

  test('warns of what is deprecated, and names its variables', () => {
    expect(parsed.ok && parsed.warnings.map(({ code, path, line }) => `${code} ${path} ${line}`)).toEqual([
      'DEPRECATED_FIELD version 1',
    ]);
    expect(parsed.ok && parsed.variableNames).toEqual(['KEY', 'REGION', 'TAG', 'ZONE']);
  });

  test('tells where a service is', () => {
    expect(locateService(file, 'db')).toEqual({ path: 'services.db', line: 28, column: 3 });
    expect(locateService(file, 'gone')).toEqual({ path: '', line: 1, column: 1 });
    expect(locateService('a: [', 'db')).toEqual({ path: '', line: 1, column: 1 });
  });
});

describe('the name', () => {
  const nameless = 'services: {a: {image: app}}';

  test('is the file’s own, or the given one before it', () => {
    expect(toSpec(`name: shop\n${nameless}`).name).toBe('shop');
    expect(toSpec(`name: shop\n${nameless}`, { name: 'other' }).name).toBe('other');
    expect(toSpec(nameless, { name: 'other' }).services[0]?.container.name).toBe('other-a-1');
  });

  test('may come from a variable, and is one', () => {
    const text = 'name: ${WHO:-shop}-1\nservices: {a: {image: app, labels: ["n=$COMPOSE_PROJECT_NAME"]}}';
    expect(toService(text, 'a').container.labels).toEqual({ n: 'shop-1' });
    expect(toService(text, 'a', { name: 'given' }).container.labels).toEqual({ n: 'given' });
  });

  test('is missing', () => {
    const parsed = parse(nameless);
    expect(parsed.ok || parsed.problems).toEqual([
      {
        code: 'MISSING_FIELD',
        path: '',
        line: 1,
        column: 1,
        message: 'expected the name of the stack: add "name:" to the file, or give the argument "name"',
      },
    ]);
  });
});

describe('profiles', () => {
  const file = `name: shop
services:
  app: {image: app}
  test: {image: app, profiles: [test, ci]}
  debug: {image: app, profiles: [debug], depends_on: {test: {condition: service_started, required: false}}}`;
  const namesOf = (profiles: string[]) => toSpec(file, { profiles }).services.map(({ name }) => name);

  test('leave out the services of which none is active', () => {
    expect(namesOf([])).toEqual(['app']);
    expect(namesOf(['ci'])).toEqual(['app', 'test']);
    expect(namesOf(['*'])).toEqual(['app', 'test', 'debug']);
  });

  test('drop a dependency that need not be there, and say so', () => {
    const parsed = parse(file, { profiles: ['debug'] });
    expect(parsed.ok && parsed.spec.services[1]?.dependsOn).toEqual([]);
    expect(parsed.ok && parsed.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'INACTIVE_DEPENDENCY: "test" has the profile test or ci, which is not active: nothing waits for it',
    ]);
  });
});

test('a variable without a value is empty, with one warning', () => {
  const parsed = parse('name: shop\nservices: {a: {image: app, labels: ["a=<$A>", "b=${A}"]}}');
  expect(parsed.ok && parsed.spec.services[0]?.container.labels).toEqual({ a: '<>', b: '' });
  expect(parsed.ok && parsed.warnings).toEqual([
    {
      code: 'VARIABLE_NOT_SET',
      message: 'the variable "A" is not set: it is taken as empty text',
      path: 'services.a.labels[0]',
      line: 2,
      column: 41,
    },
  ]);
});

test('what a variable leaves empty is absent where it cannot be empty text, and stays text where it can', () => {
  const lines = [
    'name: shop',
    'services:',
    '  my.app:',
    '    image: app',
    '    platform: ${P:-}',
    '    restart: ${R:-}',
    '    dns: ${D:-}',
    '    mem_limit: ${M:-}',
    '    ports: ["${BIND:-}:443:443"]',
    '    environment: {E: "${E:-}"}',
    '    deploy: {replicas: "${N:-}", resources: {limits: {cpus: "${C:-}"}}}',
  ];
  const same = 'name: shop\nservices: {my.app: {image: app, ports: ["443:443"], environment: {E: ""}, deploy: {}}}';
  expect(toService(lines.join('\n'), 'my.app')).toEqual(toService(same, 'my.app'));
  // What somebody writes as empty text is a mistake, as before.
  expect(parse(lines.join('\n').replace('${P:-}', '""'))).toMatchObject({ ok: false });
});

test('variables never come from the server’s own environment', () => {
  process.env.GRAPHIUM_COMPOSE_TEST = 'leaked';
  const text = 'name: shop\nservices: {a: {image: app, labels: ["a=$GRAPHIUM_COMPOSE_TEST"]}}';
  expect(toService(text, 'a').container.labels).toEqual({ a: '' });
  delete process.env.GRAPHIUM_COMPOSE_TEST;
});

test('a global service, and one of no containers', () => {
  const text = `name: shop
services:
  every: {image: app, deploy: {mode: global}}
  none: {image: app, scale: 0}`;
  expect(toSpec(text).services).toMatchObject([
    { name: 'every', nameBase: 'shop-every', global: true },
    { name: 'none', nameBase: 'shop-none', replicas: 0 },
  ]);
});
