import pino from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { outlineOf } from '../../../server/secrets/at-rest.ts';
import { findRevision } from '../../../server/stacks/store.ts';
import { specOf } from '../../../server/tasks/store.ts';
import { sealOldRows } from '../../../server/upkeep/seal-old-rows.ts';
import { dump } from '../../support/dump.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** The values of variables lie in the database sealed, wherever in a stack file they stand. */
const seed = useSeed();
let host: FakeHost;
beforeAll(async () => {
  host = await seed.host('h1');
});

const fileOf = (name: string) => `
name: ${name}
services:
  web:
    image: app:1
    command: [serve, --password, "\${VALUE}-command"]
    entrypoint: ["\${VALUE}-entrypoint"]
    environment: {DSN: "postgres://u:\${VALUE}-environment@db"}
    labels: {traefik.auth: "\${VALUE}-label"}
    annotations: {note: "\${VALUE}-annotation"}
    healthcheck: {test: "curl -H \${VALUE}-health localhost"}
    extra_hosts: ["\${VALUE}-host:10.0.0.1"]
    logging: {driver: syslog, options: {syslog-address: "\${VALUE}-logging"}}
    configs: [{source: conf, target: /conf}]
    volumes: ["data:/data"]
configs:
  conf: {content: "password=\${VALUE}-config"}
volumes:
  data: {driver: local, driver_opts: {type: cifs, device: //nas/share, o: "password=\${SHARED}-volume"}}
networks:
  default: {labels: {key: "\${SHARED}-network"}}
`;
const DEPLOY = `mutation($source: String!, $variables: JSON) {
  deployStack(source: { compose: $source }, variables: $variables) { id revision } }`;
const deploy = async (name: string, value: string) => {
  const input = { source: fileOf(name), variables: { VALUE: value, SHARED: 'hidden-value' } };
  return (await seed.ask<{ deployStack: { id: string; revision: number } }>(DEPLOY, input)).deployStack;
};
const idOf = async (name: string) => (await seed.sql`select id from stacks where name = ${name}`)[0]?.id as string;

describe('a value of a variable', () => {
  test('is nowhere in the database and reaches the agent', async () => {
    const { id } = await deploy('vars', 'hidden-value');
    for (const pull of await host.start()) await host.complete(pull);
    expect(await dump(seed.sql)).not.toContain('hidden-value');
    const [task] = await host.start();
    expect(task?.spec).toMatchObject({
      container: {
        command: ['serve', '--password', 'hidden-value-command'],
        environment: { DSN: 'postgres://u:hidden-value-environment@db' },
        healthCheck: { test: ['CMD-SHELL', 'curl -H hidden-value-health localhost'] },
        files: [{ content: 'password=hidden-value-config' }],
      },
      networks: [{ labels: { key: 'hidden-value-network' } }],
      volumes: [{ driverOptions: { o: 'password=hidden-value-volume' } }],
    });
    // Beside the spec, for agents of older versions refuse fields that they do not know.
    expect(task?.variables).toMatchObject({ VALUE: 'hidden-value' });
    expect(task?.spec).not.toHaveProperty('variables');
    await host.complete(task);
    expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await dump(seed.sql)).not.toContain('hidden-value');
  });

  test('is the same one at the next deployment, which changes nothing', async () => {
    const { id, revision } = await deploy('vars', 'hidden-value');
    expect(revision).toBe(1);
    expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED', tasks: [] });
  });

  test('is shown to those who may read it, and goes on with a rollback', async () => {
    await deploy('vars', 'other-value');
    await host.work();
    const query =
      '{ stack(name: "vars") { differences(from: 1, to: 2) { fields { field old new } } currentDeployment { tasks { spec } } } }';
    const shown = JSON.stringify(await seed.ask(query));
    expect(shown).toContain('hidden-value-annotation');
    expect(shown).toContain('other-value-annotation');
    await seed.run('rollbackStack', { name: 'vars', toRevision: 1 });
    const [task] = await host.start();
    expect(task?.spec).toMatchObject({ container: { environment: { DSN: expect.stringContaining('hidden-value') } } });
    await host.complete(task);
    expect(await dump(seed.sql)).not.toMatch(/hidden-value|other-value/);
  });
});

describe('what does not open, because the key was lost or the row changed', () => {
  /** An older revision's values, put into the row of the newer one by somebody who can write to the database. */
  const story = async (name: string) => {
    for (const value of ['old', 'new']) {
      await deploy(name, value);
      await host.work();
    }
    await seed.sql`update stack_revisions set spec = (
      select spec from stack_revisions where stack_id = ${await idOf(name)} and number = 1)
      where stack_id = ${await idOf(name)} and number = 2`;
  };
  const codeOf = async (mutation: string) => {
    const { errors } = await seed.try(`mutation { ${mutation} { id } }`);
    return errors?.[0]?.extensions?.code ?? null;
  };

  test('is deployed no more, by a scale or a repair', async () => {
    await story('moved');
    expect(await codeOf('scaleStack(name: "moved", service: "web", replicas: 2)')).toBe('SECRET_KEY_MISMATCH');
    expect(await codeOf('repairStack(name: "moved")')).toBe('SECRET_KEY_MISMATCH');
  });

  test('fails by name where a container would be made of it', async () => {
    await host.change('moved-web-1', null);
    const { id } = await seed.run('startStack', { name: 'moved' });
    await host.work();
    expect(await seed.deployment(id)).toMatchObject({
      status: 'FAILED',
      cause: { code: 'SECRET_KEY_MISMATCH', message: expect.stringContaining('The container "moved-web-1" cannot be') },
    });
  });

  test('keeps no other stack from being placed, and no file from being deployed', async () => {
    await deploy('beside', 'value');
    await host.work();
    const { id } = await deploy('moved', 'newest');
    await host.work();
    expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('can be stopped and deleted', async () => {
    await story('gone');
    for (const operation of ['stopStack', 'deleteStack']) {
      const { id } = await seed.run(operation, { name: 'gone' });
      await host.work();
      expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED' });
    }
  });
});

describe('rows that an older version stored open', () => {
  const log = pino({ level: 'silent' });
  /** Writes the rows of a stack as older versions did. */
  const unseal = async (name: string) => {
    const id = await idOf(name);
    const revision = await findRevision(seed.db, id, 1);
    await seed.sql`update stack_revisions set spec = ${JSON.stringify(revision?.spec)}::text::jsonb
      where stack_id = ${id} and number = 1`;
    await seed.sql`alter table tasks disable trigger tasks_guard`;
    const rows = await seed.sql<{ id: string; spec: never }[]>`select id, spec from tasks where stack_id = ${id}`;
    for (const row of rows) {
      await seed.sql`update tasks set spec = ${JSON.stringify(specOf(seed.db, row))}::text::jsonb where id = ${row.id}`;
    }
    await seed.sql`alter table tasks enable trigger tasks_guard`;
  };
  const seal = async () => {
    await seed.sql`update cluster set sealed_at = null`;
    await sealOldRows(seed.db, log);
  };

  test('are read as they are, and sealed once at the start, those of tasks that have ended too', async () => {
    await deploy('early', 'from-before');
    await host.work();
    await unseal('early');
    expect(await dump(seed.sql)).toContain('from-before');
    expect((await deploy('early', 'from-before')).revision).toBe(1);
    await seal();
    expect(await dump(seed.sql)).not.toMatch(/from-before|hidden-value/);
    const { id } = await deploy('early', 'from-before');
    expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED', tasks: [] });
    await expect(seed.sql`update tasks set phase = 'PULLING' where status = 'COMPLETED'`).rejects.toThrow(
      /cannot become/,
    );
  });

  test('more of them than are sealed at a time', async () => {
    const id = await idOf('early');
    const revision = await findRevision(seed.db, id, 1);
    await seed.sql`insert into stack_revisions (stack_id, number, format, source, spec, created_by)
      select ${id}, n, 'COMPOSE', '', ${JSON.stringify(revision?.spec)}::text::jsonb, 'me' from generate_series(1001, 1120) n`;
    await seal();
    const open = await seed.sql`select number from stack_revisions
      where jsonb_path_exists(spec, '$.services[*].container ? (!exists(@.sealed))')`;
    expect(open).toEqual([]);
    expect(await findRevision(seed.db, id, 1120)).toMatchObject({ spec: revision?.spec });
  });

  test('after that a start looks at no row', async () => {
    const revision = await findRevision(seed.db, await idOf('early'), 1);
    await unseal('early');
    await sealOldRows(seed.db, log);
    const [row] =
      await seed.sql`select spec from stack_revisions where stack_id = ${await idOf('early')} and number = 1`;
    expect(row?.spec).toEqual(revision?.spec);
    await seal();
    expect(outlineOf(row?.spec)).toEqual(revision?.spec);
  });
});
