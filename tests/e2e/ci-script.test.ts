import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, composeFile } from '../support/compose-file.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/ci-deploy.sh', import.meta.url));
/** Debian's `sh` is dash; elsewhere it is mostly bash. */
const found = ['dash', 'bash'].filter((name) => spawnSync(name, ['-c', 'exit 0']).status === 0);
const shells = found.length > 0 ? found : ['sh'];

const folder = mkdtempSync(join(tmpdir(), 'graphium-ci-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const world = useWorld();
let count = 0;

type Ran = { code: number | null; out: string; err: string };

type Options = { key?: string; token?: string; env?: Record<string, string> };

function begin(shell: string, file: string, options: Options = {}) {
  const path = join(folder, `stack-${++count}.json`);
  writeFileSync(path, file);
  const env = {
    PATH: process.env.PATH,
    TMPDIR: folder,
    GRAPHIUM_URL: `${world.server.url}/`,
    GRAPHIUM_TOKEN: options.token ?? world.server.adminToken,
    ...options.env,
  };
  const args = [SCRIPT, path, ...(options.key === undefined ? [] : [options.key])];
  const child: ChildProcess = spawn(shell, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout?.on('data', (chunk) => (ran.out += chunk));
  child.stderr?.on('data', (chunk) => (ran.err += chunk));
  const done = new Promise<Ran>((resolve) => child.once('close', (code) => resolve(Object.assign(ran, { code }))));
  return { ran, done, stop: () => child.kill('SIGTERM') };
}

const run = (...args: Parameters<typeof begin>) => begin(...args).done;

async function remove(stack: string) {
  expect((await world.finish(await world.operate('deleteStack', stack))).status).toBe('SUCCEEDED');
}

const deploymentsOf = (key: string) => world.sql`select id from deployments where idempotency_key = ${key}`;

describe.each(shells)('run by %s', (shell) => {
  const stack = (name: string) => `${name}-${shell}`;

  test.concurrent('a deployment that succeeds: its progress, and 0', async () => {
    const name = stack('good');
    const file = stackFile(name, [
      { name: `${name}-1`, host: 'vm1' },
      { name: `${name}-2`, host: 'vm2', dependsOn: [`${name}-1`] },
    ]);
    const key = `job "${shell}" $1 \\ 100%`;
    const first = await run(shell, file, { key });
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/^deployment ([0-9a-f-]{36})\n {2}http:\/\/[\d.:]+\/deployments\/\1$/m);
    expect(first.out).toMatch(/^ {2}[\d:]{8} vm1 +PULL +busybox:latest +COMPLETED$/m);
    expect(first.out).toMatch(new RegExp(`^ {2}[\\d:]{8} vm2 +DEPLOY +${name}-2 +RUNNING`, 'm'));
    expect(first.out).toMatch(new RegExp(`^ {2}[\\d:]{8} vm2 +DEPLOY +${name}-2 +COMPLETED$`, 'm'));
    expect(first.out.trimEnd().split('\n').at(-1)).toBe('SUCCEEDED');

    // The job runs again and finds the same deployment, which has already ended.
    const second = await run(shell, file, { key });
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(second.out.split('\n')[0]).toBe(first.out.split('\n')[0]);
    expect(await deploymentsOf(key)).toHaveLength(1);
    await remove(name);
  });

  test.concurrent('a stack that fails: 1, the cause, the exit code and the last log lines', async () => {
    const name = stack('bad');
    const command = ['sh', '-c', 'echo "path C:\\\\new \\"quoted\\" 100% $HOME ü"; echo last line; exit 3'];
    const { code, out, err } = await run(shell, stackFile(name, [{ name: `${name}-1`, host: 'vm1', command }]));
    expect(code).toBe(1);
    expect(out).toMatch(/^FAILED$/m);
    expect(err).toMatch(/^cause +CONTAINER_EXITED$/m);
    expect(err).toMatch(new RegExp(`^container +${name}-1 on vm1$`, 'm'));
    expect(err).toMatch(/^exit code +3$/m);
    expect(err).toContain('last log lines:');
    expect(err).toMatch(/^ {2}path C:\\new "quoted" 100% \S* ü$/m);
    expect(err).toMatch(/^ {2}last line$/m);
    await remove(name);
  });

  test.concurrent('a file that is refused: 1, and the line of the problem', async () => {
    const nasty = '{\n\t"@type": "Stack",\n\t"name": "ü \\"quoted\\" \\\\ $HOME `id` 100% %s",\r\n\t"hasPart": [}\n';
    const { code, out, err } = await run(shell, nasty);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('was refused');
    expect(err).toMatch(/line 4/);
    expect(err).not.toContain(folder.replace('graphium', 'x'));
    const unknown = stackFile('refused', [{ name: 'refused-1', host: 'vm9' }]);
    const { err: why } = await run(shell, unknown);
    expect(why).toMatch(/line 12, .*there is no agent of that name; known agents: localhost-docker, vm1, vm2/);
  });

  test.concurrent('what it is given arrives as it was written', async () => {
    const name = stack('exact');
    const environment = { TEXT: 'tab\there, "quotes", back\\slash, ü €, $HOME `id` 100% %s \'single\'\nnext line' };
    const file = stackFile(name, [{ name: `${name}-1`, host: 'vm1', environment }]);
    expect((await run(shell, file)).code).toBe(0);
    const [container] = await world.containers('vm1', name);
    expect(container?.Config.Env).toContain(`TEXT=${environment.TEXT}`);
    await remove(name);
  });

  test.concurrent('a Compose file with variables, and only those that are named', async () => {
    const name = stack('composed');
    // A file as people write them: YAML, with characters that a shell or a JSON string could trip over.
    const file = [
      `name: ${name} # "quoted"`,
      'services:',
      '  web:',
      `    image: busybox:\${TAG:?which one?}`,
      '    command: [sh, -c, "trap \'exit 0\' TERM; sleep 3600 & wait"]',
      `    environment: { TEXT: "\${TEXT}", HOME: "\${HOME-unset}", PRICE: "5 $$" }`,
      '    deploy: { placement: { constraints: [node.hostname == vm1] } }',
      '',
    ].join('\n');
    const env = { TAG: 'latest', TEXT: 'back\\slash "ü" $HOME `id` 100%\ttab\nnext', HOME: '/root' };
    const first = await run(shell, file, { env: { ...env, GRAPHIUM_VARIABLES: 'TAG TEXT' } });
    expect(first).toMatchObject({ code: 0, err: '' });
    const [container] = await world.containers('vm1', name);
    expect(container?.Config.Env).toEqual(expect.arrayContaining([`TEXT=${env.TEXT}`, 'HOME=unset', 'PRICE=5 $']));
    const without = await run(shell, file, { env });
    expect(without).toMatchObject({ code: 1, out: '' });
    expect(without.err).toMatch(/line 4, .*which one\?/);
    const unset = await run(shell, file, { env: { GRAPHIUM_VARIABLES: 'TAG' } });
    expect(unset).toMatchObject({ code: 2, out: '' });
    expect(unset.err).toContain('GRAPHIUM_VARIABLES names TAG, which is not set');
    await remove(name);
  });

  test.concurrent('a deployment that is rolled back: 1, and the cause', async () => {
    const name = stack('back');
    const sick = { healthcheck: { test: 'echo no database; exit 1', interval: '200ms', retries: 2 } };
    const command = ['sh', '-c', "echo starting two; trap 'exit 0' TERM; sleep 3600 & wait"];
    const good = composeFile(name, { web: busy('vm1'), db: busy('vm2') });
    expect((await run(shell, good)).code).toBe(0);
    const before = await world.containers('vm2', name);
    const bad = composeFile(name, { web: busy('vm1'), db: busy('vm2', { command, ...sick }) });
    const { code, out, err } = await run(shell, bad);
    expect(code).toBe(1);
    expect(out).toMatch(/^ROLLED_BACK$/m);
    expect(err).toMatch(/^the stack is again as its last good revision$/m);
    expect(err).toMatch(/^cause +HEALTH_CHECK_FAILED$/m);
    expect(err).toMatch(new RegExp(`^container +${name}-db-1 on vm2$`, 'm'));
    expect(err).toMatch(/^health log:\n( {2}exit 1: no database\n)+/m);
    expect(err).toMatch(/^last log lines:\n(.*\n)* {2}starting two$/m);
    expect((await world.containers('vm2', name)).map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id));
    // With the good file there is nothing to do, which shows at once.
    const again = await run(shell, good);
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out.trimEnd().split('\n').at(-1)).toBe('SUCCEEDED');
    await remove(name);
  });

  test('a job that failed and is run again with its key: it deploys again, until it has succeeded once', async () => {
    const name = stack('again');
    const key = `again-${shell}`;
    const command = ['sh', '-c', 'exit $(cat /proc/sys/kernel/random/uuid >/dev/null; echo 3)'];
    const bad = stackFile(name, [{ name: `${name}-1`, host: 'vm1', command }]);
    const id = (ran: Ran) => /^deployment ([0-9a-f-]{36})$/m.exec(ran.out)?.[1];
    const first = await run(shell, bad, { key });
    const second = await run(shell, bad, { key });
    expect([first.code, second.code]).toEqual([1, 1]);
    expect(second.out).toContain(`deployment ${id(first)} was made by an earlier run and is FAILED: deploying again`);
    expect(id(second)).not.toBe(id(first));
    await world.finish(await world.deploy(stackFile(name, [{ name: `${name}-1`, host: 'vm1' }])));
    const late = await run(shell, bad, { key });
    expect(late.code).toBe(1);
    expect(late.err).toMatch(/is FAILED, and a newer deployment of the stack exists; to deploy this file all the same/);
    const other = await run(shell, bad.replace('exit', 'exit '), { key });
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toContain('the deployment was refused (IDEMPOTENCY_KEY_REUSED):');
    await remove(name);
  });

  test.concurrent('a wrong token, and a token that may not deploy', async () => {
    const file = stackFile('refused', [{ name: 'refused-1', host: 'vm1' }]);
    const wrong = await run(shell, file, { token: 'gph_user_wrong' });
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(/^ci-deploy: GRAPHIUM_TOKEN was refused: .+$/m);
    const viewer = await world.ask<{ createToken: { secret: string } }>(
      'mutation { createToken(name: "viewer", role: VIEWER) { secret } }',
    );
    const refused = await run(shell, file, { token: viewer.createToken.secret });
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/^ci-deploy: GRAPHIUM_TOKEN may not deploy: .+$/m);
    expect(refused.err).not.toContain(viewer.createToken.secret);
  });
});

test('an address where there is no Graphium, and one where nobody answers', async () => {
  const file = stackFile('nowhere', [{ name: 'nowhere-1', host: 'vm1' }]);
  const page = await run('sh', file, { env: { GRAPHIUM_URL: `${world.server.url}/elsewhere` } });
  expect(page).toMatchObject({ code: 2, out: '' });
  expect(page.err).toMatch(/^ci-deploy: no answer from http:\S+elsewhere: HTTP 40\d\n$/);
  const { ran, done, stop } = begin('sh', file, { env: { GRAPHIUM_URL: 'http://127.0.0.1:1' } });
  await until(
    async () => ran.err,
    (err) => err.includes('trying for a minute'),
    { what: 'its first complaint' },
  );
  expect(ran.err).toMatch(
    /^ci-deploy: no answer from http:\/\/127\.0\.0\.1:1 yet \(curl: \(7\) .+\); trying for a minute\n$/,
  );
  stop();
  expect((await done).code).toBe(130);
});

test('--help says how to use it', async () => {
  const help = spawnSync('sh', [SCRIPT, '--help'], { encoding: 'utf8' });
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Deploys a stack file.*^Exit: 0/ms);
});

test('a token that is revoked while it follows ends it, with the reason', async () => {
  const { createToken } = await world.ask<{ createToken: { secret: string; token: { id: string } } }>(
    'mutation { createToken(name: "short", role: OPERATOR) { secret token { id } } }',
  );
  const healthCheck = { command: 'test $(($(date +%s) - $(stat -c %Y /proc/1))) -ge 6', interval: 1, retries: 60 };
  const file = stackFile('revoked', [{ name: 'revoked-1', host: 'vm1', healthCheck }]);
  const { ran, done } = begin('sh', file, { token: createToken.secret });
  await until(
    async () => ran.out,
    (out) => out.includes('verifying'),
    { what: 'the health check' },
  );
  await world.ask('mutation($id: ID!) { revokeToken(id: $id) { id } }', { id: createToken.token.id });
  expect(await done).toMatchObject({ code: 2, err: expect.stringMatching(/cannot be followed any more: .*revoked/) });
  await remove('revoked');
});

/** What curl says goes into a file of the script's own. */
const complaintsOfCurl = async () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/error'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .join('');

test('a server that is killed and started again while it follows', async () => {
  const healthCheck = { command: 'test $(($(date +%s) - $(stat -c %Y /proc/1))) -ge 4', interval: 1, retries: 60 };
  const { ran, done } = begin('sh', stackFile('followed', [{ name: 'followed-1', host: 'vm1', healthCheck }]));
  await until(
    async () => ran.out,
    (out) => out.includes('verifying'),
    { what: 'the health check' },
  );
  await world.server.kill();
  await until(complaintsOfCurl, (text) => text.includes('curl:'), {
    intervalMs: 10,
    what: 'a script without a server',
  });
  await world.server.start();
  expect(await done).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(/^SUCCEEDED$/m);
  await remove('followed');
});
