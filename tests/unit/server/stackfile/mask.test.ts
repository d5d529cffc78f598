import { describe, expect, test } from 'vitest';
import { maskSource } from '../../../../server/stackfile/mask.ts';

const COMPOSE = `name: shop # keep
x-env: &env
  SHARED: planted-anchor
x-command: &command [serve, --key, planted-aliased]
services:
  web:
    image: shop/web:1.2
    environment:
      <<: *env
      PLAIN: planted-map
      NOTED: | # note: pem
        planted-noted
      BLOCK: |
        planted-block
        second planted line
    labels: { traefik.auth: "user:planted-label" }
    command: *command
    ports: ["80:80"]
  db:
    image: registry://u:planted-url@host/db
    environment:
      - PASSWORD=planted-list
      - "QUOTED=planted-quoted"
    healthcheck: { test: [CMD, probe, planted-probe], interval: 5s }
    # OLD_PASSWORD: planted-comment
    labels:
      name: planted-name
      "@type": planted-type # was "planted=trailing"
    logging: { driver: syslog, options: { syslog-address: "tcp://planted-log" } }
x-unused: { db: planted-extension, list: [planted-item] }
volumes:
  data:
    driver_opts: { o: "username=me,password=planted-share" }
    command: run --password planted-flow
configs:
  site: { content: "planted-config" }
`;
const JSONLD = JSON.stringify(
  {
    '@type': ['Stack'],
    name: 'shop',
    hasPart: [
      {
        name: 'web-1',
        image: 'nginx',
        environmentVariable: [{ name: 'TOKEN', value: 'planted-pair' }],
        environment: { KEY: 'planted-object' },
        command: ['serve', 'planted-argument'],
        ports: [{ containerPort: 80 }],
      },
    ],
  },
  null,
  2,
);

describe('a viewer', () => {
  test.each([
    ['Compose', COMPOSE],
    ['JSON-LD', JSONLD],
  ])('sees of a %s file nothing that may be secret', (_format, source) => {
    expect(source).toContain('planted');
    expect(maskSource(source)).not.toContain('planted');
  });

  test('sees names, images, ports, and each line where it was', () => {
    const masked = maskSource(COMPOSE);
    const [before, after] = [COMPOSE, masked].map((text) => text.split('\n'));
    expect(after).toHaveLength(before?.length ?? 0);
    for (const text of ['name: shop # keep', '    image: shop/web:1.2', '    ports: ["80:80"]', '  db:']) {
      expect(after?.indexOf(text), text).toBe(before?.indexOf(text));
    }
    expect(masked).toContain('"PASSWORD=(not shown)"');
    expect(masked).toContain('PLAIN: "(not shown)"');
    expect(JSON.parse(maskSource(JSONLD)).hasPart[0]).toEqual({
      name: 'web-1',
      image: 'nginx',
      environmentVariable: [{ name: 'TOKEN', value: '(not shown)' }],
      environment: { KEY: '(not shown)' },
      command: ['(not shown)', '(not shown)'],
      ports: [{ containerPort: 80 }],
    });
  });

  test('waits for no search that starts again at each letter', () => {
    const begun = performance.now();
    const long = 'a'.repeat(150_000);
    expect(maskSource(`services: {}\n# ${long}`)).toContain(long);
    expect(maskSource(`services: {}\n# ${'a://b'.repeat(30_000)}`)).toContain('services');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('sees nothing of what cannot be read', () => {
    expect(maskSource('a: [planted')).toBe('"(not shown)"');
  });

  test('and aliases that lead in a circle end', () => {
    expect(maskSource('a: &a { environment: *a, x: planted }')).not.toContain('planted');
  });
});
