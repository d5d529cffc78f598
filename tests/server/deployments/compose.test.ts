import { beforeAll, describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { Task } from '../../support/fake-agent.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** Compose files through the API: what they may be given with, what is refused, and what is kept of their secrets. */
const seed = useSeed();
let host: FakeHost;
beforeAll(async () => {
  host = await seed.host('h1');
});

const DEPLOY = `mutation($source: String!, $name: String, $variables: JSON, $profiles: [String!]) {
  deployStack(source: { compose: $source }, name: $name, variables: $variables, profiles: $profiles) {
    id stack revision status warnings { code message path line column } } }`;
type Deployed = {
  id: string;
  stack: string;
  revision: number;
  warnings: { code: string; message: string; path: string; line: number; column: number }[];
};
const deploy = async (source: string, more: Record<string, unknown> = {}) =>
  (await seed.ask<{ deployStack: Deployed }>(DEPLOY, { source, ...more })).deployStack;
const refused = async (source: string, more: Record<string, unknown> = {}) => {
  const { errors } = await seed.try(DEPLOY, { source, ...more });
  const { code, problems = [] } = (errors?.[0]?.extensions ?? {}) as Record<string, unknown>;
  type Problem = { code: string; message: string; path: string; line: number; column: number };
  return { code, message: errors?.[0]?.message ?? '', problems: problems as Problem[] };
};
const containersOf = async (name: string, number: number) => {
  const query = `query($n: String!, $r: Int!) { stack(name: $n) { revisionNumbered(number: $r) {
    variableNames containers { containerName image } } } }`;
  type Revision = { variableNames: string[]; containers: { containerName: string; image: string }[] };
  return (await seed.ask<{ stack: { revisionNumbered: Revision } }>(query, { n: name, r: number })).stack
    .revisionNumbered;
};

describe('deployStack with a Compose file', () => {
  test('takes YAML, and what it says reaches the agent', async () => {
    const source = `
name: yaml
x-common: &common
  image: app:1
  restart: unless-stopped
services:
  web:
    <<: *common
    ports: ["8080:80"]
    environment:
      - GREETING=hello
`;
    await deploy(source);
    for (const pull of await host.start()) await host.complete(pull);
    const [task] = await host.start();
    expect(task?.spec.container).toMatchObject({
      name: 'yaml-web-1',
      image: 'app:1',
      environment: { GREETING: 'hello' },
      ports: [{ containerPort: 80, hostPort: 8080, protocol: 'tcp' }],
      restart: { name: 'unless-stopped' },
    });
    await host.complete(task);
  });

  test('variables: texts, numbers and booleans; other values make another revision', async () => {
    const source = composeFile('vars', {
      web: service('h1', { image: 'app:$TAG', environment: { N: '$N', DEBUG: '$DEBUG', KEEP: '$$HOME' } }),
    });
    const first = await deploy(source, { variables: { TAG: '1.0', N: 3, DEBUG: true } });
    expect(await containersOf('vars', first.revision)).toMatchObject({
      variableNames: ['DEBUG', 'N', 'TAG'],
      containers: [{ containerName: 'vars-web-1', image: 'app:1.0' }],
    });
    const again = await deploy(source, { variables: { DEBUG: 'true', N: '3', TAG: '1.0' } });
    expect(again.revision).toBe(1);
    const other = await deploy(source, { variables: { TAG: '2.0', N: 3, DEBUG: true } });
    expect(other.revision).toBe(2);
    expect((await containersOf('vars', 2)).containers[0]?.image).toBe('app:2.0');
  });

  test('a variable that is not given is a warning, or an error where the file demands it', async () => {
    const { warnings } = await deploy(composeFile('unset', { web: service('h1', { environment: { A: '$NOWHERE' } }) }));
    expect(warnings).toMatchObject([
      { message: expect.stringContaining('NOWHERE'), path: expect.stringContaining('web') },
    ]);
    const demanding = composeFile('demands', { web: service('h1', { image: `app:$${'{TAG:?say which}'}` }) });
    const { code, problems } = await refused(demanding);
    expect(code).toBe('STACK_INVALID');
    expect(problems[0]?.message).toContain('say which');
  });

  test.each([
    [['TAG=1'], 'variables'],
    ['TAG=1', 'variables'],
    [7, 'variables'],
    [{ TAG: { a: 1 } }, 'variables.TAG'],
    [{ TAG: null }, 'variables.TAG'],
  ])('variables: %j is refused', async (variables, where) => {
    const { code, message } = await refused(composeFile('bad-vars', { web: service('h1') }), { variables });
    expect({ code, message }).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`${where}: expected`),
    });
  });

  test('profiles: what is not asked for is not there, and goes when it is asked for no more', async () => {
    const source = composeFile('profiles', { web: service('h1'), debug: service('h1', { profiles: ['dev'] }) });
    const names = async (number: number) =>
      (await containersOf('profiles', number)).containers.map(({ containerName }) => containerName);
    await deploy(source);
    expect(await names(1)).toEqual(['profiles-web-1']);
    expect((await deploy(source, { profiles: ['dev'] })).revision).toBe(2);
    expect(await names(2)).toEqual(['profiles-web-1', 'profiles-debug-1']);
    await host.work();
    await deploy(source);
    expect(await host.work()).toEqual(['DELETE profiles-debug-1']);
  });

  test('name: for a file that has none, and before its own', async () => {
    const { name: _name, ...nameless } = JSON.parse(composeFile('x', { web: service('h1') }));
    const missing = await refused(JSON.stringify(nameless));
    expect(missing).toMatchObject({ code: 'STACK_INVALID', problems: [{ code: 'MISSING_FIELD' }] });
    expect((await deploy(JSON.stringify(nameless), { name: 'given' })).stack).toBe('given');
    expect((await deploy(composeFile('own', { web: service('h1') }), { name: 'other' })).stack).toBe('other');
    expect((await refused(JSON.stringify(nameless), { name: 'No Name!' })).problems[0]?.code).toBe('INVALID_NAME');
  });

  test('warnings say where', async () => {
    const { id, warnings } = await deploy(`version: "3.8"\nname: warned\nservices:\n  web:\n    image: app:1\n`);
    expect(warnings).toEqual([
      { code: 'DEPRECATED_FIELD', message: expect.stringContaining('version'), path: 'version', line: 1, column: 1 },
    ]);
    const { deployment } = await seed.ask<{ deployment: { warnings: object[] } }>(
      `{ deployment(id: "${id}") { warnings { code line } } }`,
    );
    expect(deployment.warnings).toEqual([{ code: 'DEPRECATED_FIELD', line: 1 }]);
    await host.work();
  });
});

describe('refused', () => {
  test('with every problem and its place', async () => {
    const source = `name: wrong
services:
  web:
    image: 7.5.x:bad:worse
    build: .
    ports: ["99999:80"]
    nonsense: true
`;
    const { code, message, problems } = await refused(source);
    expect(code).toBe('STACK_INVALID');
    const places = problems.map(({ path, line }) => `${path}:${line}`);
    expect(places).toEqual(expect.arrayContaining(['services.web.build:5', 'services.web.nonsense:7']));
    expect(places.some((place) => place.startsWith('services.web.ports[0]') && place.endsWith(':6'))).toBe(true);
    for (const { column, message } of problems) expect([column > 0, message.length > 10]).toEqual([true, true]);
    expect(message).toContain(`and ${problems.length - 1} more`);
    expect(await seed.sql`select 1 from stacks where name = 'wrong'`).toHaveLength(0);
  });

  test.each([
    ['no YAML', 'name: [', 'STACK_INVALID'],
    ['nothing', '', 'STACK_INVALID'],
    ['a host that is not there', composeFile('nowhere', { web: service('nobody') }), 'NO_AGENT_FITS'],
  ])('%s', async (_what, source, expected) => {
    const { code, problems } = await refused(source);
    expect(code).toBe(expected);
    expect(problems[0]).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
  });

  test('where no agent fits, each agent is listed with the reason, at the service', async () => {
    const { problems } = await refused(composeFile('nowhere', { web: service('nobody') }));
    expect(problems).toMatchObject([
      { path: 'services.web', line: 4, reasons: [{ agent: 'h1', reason: expect.stringContaining('node.hostname') }] },
    ]);
  });

  test('a stack of the other format, until it is deleted', async () => {
    await seed.deploy(stackFile('both', [container('both-a', 'h1')]));
    await host.work();
    const source = composeFile('both', { web: service('h1') });
    expect(await refused(source)).toMatchObject({
      code: 'STACK_FORMAT_CONFLICT',
      message: expect.stringContaining('JSONLD'),
    });
    await seed.operate('deleteStack', 'both');
    // While it is being deleted, its name is already free for a new file.
    expect((await deploy(source)).stack).toBe('both');
    await host.work();
    expect(host.names().filter((name) => name.startsWith('both'))).toEqual(['both-web-1']);
    const jsonld = JSON.stringify(stackFile('both', [container('both-a', 'h1')]));
    expect((await seed.refused('deployStack', { source: { jsonld } })).code).toBe('STACK_FORMAT_CONFLICT');
  });

  test.each(['name', 'variables', 'profiles'])('%s with a JSON-LD file', async (argument) => {
    const value = { name: 'x', variables: {}, profiles: [] }[argument];
    const jsonld = JSON.stringify(stackFile('linked', [container('linked-a', 'h1')]));
    const { code, message } = await seed.refused('deployStack', { source: { jsonld }, [argument]: value });
    expect({ code, message }).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('Compose') });
  });

  test('both formats, or neither', async () => {
    for (const source of ['{}', '{ jsonld: "{}", compose: "{}" }']) {
      const { errors } = await seed.try(`mutation { deployStack(source: ${source}) { id } }`);
      expect(errors?.length).toBeGreaterThan(0);
    }
  });
});

describe('secrets of a Compose file', () => {
  type File = { target: string; content: string; mode: number };
  const filesOf = (task: Task | undefined) => (task?.spec.container as { files?: File[] } | undefined)?.files ?? [];

  test('are in the database sealed, shown to nobody, and open for the agent that starts the task alone', async () => {
    const [h2] = [await seed.host('h2')];
    const file = { secrets: { pw: { content: 'top-secret-1' }, env: { environment: 'TOKEN' } } };
    const web = service('h2', { secrets: ['pw', { source: 'env', target: '/etc/token', mode: '0440' }] });
    const variables = { TOKEN: 'top-secret-2' };
    const { id } = await deploy(composeFile('sealed', { web }, file), { variables });
    for (const pull of await h2.start()) await h2.complete(pull);
    const shown = [
      await h2.agent.pending(),
      await seed.ask('{ stack(name: "sealed") { source revisions { source } currentDeployment { tasks { spec } } } }'),
      await seed.ask(`{ task: deployment(id: "${id}") { tasks { spec events { message } } } }`),
      await seed.ask(
        `{ planStack(operation: { restart: { name: "sealed" } }) { input items { differences { old new } } } }`,
      ),
    ];
    expect(JSON.stringify(shown)).not.toMatch(/top-secret/);
    expect(JSON.stringify(shown)).toMatch(/gs1:/);
    const rows = await seed.sql`select spec::text as text from stack_revisions union all select spec::text from tasks
      union all select source from stack_revisions union all select input_hash from deployments`;
    expect(rows.map(({ text }) => text).join()).not.toMatch(/top-secret/);
    const ids = (await h2.agent.pending()).map((task) => task.id);
    expect((await host.agent.start(ids)).length).toBe(0);
    const [task] = await h2.agent.start(ids);
    const files = filesOf(task);
    expect(files.map(({ target, content }) => [target, content])).toEqual([
      ['/run/secrets/pw', 'top-secret-1'],
      ['/etc/token', 'top-secret-2'],
    ]);
    expect(files[1]?.mode).toBe(0o440);
    expect(JSON.stringify(seed.logged)).not.toMatch(/top-secret/);
    await h2.complete(task);
    // After going back and forth through revisions, the secret still opens.
    await deploy(composeFile('sealed', { web: { ...web, image: 'app:2' } }, file), { variables });
    await h2.work();
    await seed.run('rollbackStack', { name: 'sealed', toRevision: 1 });
    for (const pull of await h2.start()) await h2.complete(pull);
    const [again] = await h2.start();
    expect(filesOf(again)[0]?.content).toBe('top-secret-1');
  });
});
