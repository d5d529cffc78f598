import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkStorable, findCredential, storeCredential } from '../../../agent/credential.ts';
import { enroll, getCredential } from '../../../agent/enroll.ts';
import { type Host, parseEnv, USAGE } from '../../../agent/env.ts';
import { toPlainLine } from '../../../agent/log.ts';
import { createFakeServer } from '../../support/fake-server.ts';

const HOST: Host = { hostname: 'host-7', stateHome: '/home/me/.local/state', root: false };

function configOf(argv: string[], env: Record<string, string> = {}, host = HOST) {
  const parsed = parseEnv(argv, env, host);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.config;
}

function problemsOf(argv: string[], env: Record<string, string> = {}): string[] {
  const parsed = parseEnv(argv, env, HOST);
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

describe('options', () => {
  test('defaults', () => {
    expect(configOf(['--server', 'https://graphium.example/'])).toEqual({
      server: 'https://graphium.example',
      join: undefined,
      joinPath: undefined,
      name: 'host-7',
      labels: [],
      caPath: undefined,
      credentialPath: '/home/me/.local/state/graphium/agent.json',
      policyPath: undefined,
      socketPath: '/var/run/docker.sock',
      secretsPaths: ['/run/graphium', '/dev/shm/graphium'],
      secretsAsked: false,
      logFormat: 'json',
      logLevel: 'info',
      tasks: 32,
      slots: 4,
      pulls: 3,
      pollMs: 5_000,
      streamRetryMs: 30_000,
      warnings: [],
    });
    expect(configOf(['--server', 'https://x'], {}, { ...HOST, root: true }).credentialPath).toBe(
      '/var/lib/graphium/agent.json',
    );
  });

  test('every flag, and every flag as a variable; the flag wins', () => {
    const flags = [
      '--server=http://127.0.0.1:4000',
      '--join=j',
      '--join-file=/j',
      '--name=vm1',
      '--label',
      'disk=ssd',
      '--label',
      'zone=a=b',
    ];
    const config = configOf([
      ...flags,
      '--ca',
      '/ca.pem',
      '--credential',
      '/c.json',
      '--policy',
      '/p.json',
      '--docker',
      '/d.sock',
      '--secrets',
      '/s',
    ]);
    expect(config).toMatchObject({
      server: 'http://127.0.0.1:4000',
      join: 'j',
      joinPath: '/j',
      name: 'vm1',
      labels: [
        { key: 'disk', value: 'ssd' },
        { key: 'zone', value: 'a=b' },
      ],
      caPath: '/ca.pem',
      credentialPath: '/c.json',
      policyPath: '/p.json',
      socketPath: '/d.sock',
      secretsPaths: ['/s'],
      secretsAsked: true,
      warnings: [],
    });
    const env = {
      GRAPHIUM_SERVER: 'http://127.0.0.1:4000',
      GRAPHIUM_JOIN: 'j',
      GRAPHIUM_JOIN_FILE: '/j',
      GRAPHIUM_NAME: 'vm1',
      GRAPHIUM_LABEL: 'disk=ssd,zone=a=b',
      GRAPHIUM_CA: '/ca.pem',
      GRAPHIUM_CREDENTIAL: '/c.json',
      GRAPHIUM_POLICY: '/p.json',
      GRAPHIUM_DOCKER: '/d.sock',
      GRAPHIUM_SECRETS: '/s',
      DOCKER_HOST: 'unix:///other.sock',
    };
    expect(configOf([], env)).toEqual(config);
    expect(configOf(['--name', 'vm2'], env).name).toBe('vm2');
    expect(configOf(['--server', 'https://x'], { DOCKER_HOST: 'unix:///other.sock' }).socketPath).toBe('/other.sock');
  });

  test('secrets go to a tmpfs of the user, where there is one', () => {
    const { secretsPaths } = configOf(['--server', 'https://x'], {}, { ...HOST, runtimeDir: '/run/user/7' });
    expect(secretsPaths).toEqual(['/run/graphium', '/run/user/7/graphium', '/dev/shm/graphium']);
    expect(problemsOf(['--server', 'https://x', '--secrets', 'here'])).toEqual([expect.stringContaining('--secrets')]);
  });

  test('the log has a level and a format', () => {
    const env = { GRAPHIUM_LOG_LEVEL: 'silent', GRAPHIUM_LOG_FORMAT: 'pretty' };
    expect(configOf(['--server', 'https://x'], env)).toMatchObject({ logLevel: 'silent', logFormat: 'pretty' });
    for (const variable of Object.keys(env)) expect(USAGE).toContain(variable);
  });

  test('all problems at once', () => {
    const problems = problemsOf(['--label', 'nokey', '--nmae=x', '--server', 'ftp://x', 'stray', '--join', '--name'], {
      DOCKER_HOST: 'tcp://10.0.0.1:2375',
      GRAPHIUM_POLL_MS: 'soon',
      GRAPHIUM_LOG_LEVEL: 'loud',
      GRAPHIUM_LOG_FORMAT: 'fancy',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    });
    for (const word of [
      '--label',
      '--nmae',
      '--join',
      '--server',
      'stray',
      'DOCKER_HOST',
      'POLL_MS',
      'GRAPHIUM_LOG_LEVEL',
      'GRAPHIUM_LOG_FORMAT',
      'no switch',
    ]) {
      expect(
        problems.filter((problem) => problem.includes(word)),
        word,
      ).toHaveLength(1);
    }
    expect(problemsOf([])).toEqual(['--server (GRAPHIUM_SERVER) is missing']);
  });

  test.each(['http://u:p@x', 'https://x/?token=1', 'x:4000', 'ws://x'])('%s is no server', (server) => {
    expect(problemsOf(['--server', server])).toEqual(['--server (GRAPHIUM_SERVER) must be http(s)://host[:port]']);
  });

  test('one warning when the token travels in clear, and only then', () => {
    expect(configOf(['--server', 'http://10.0.0.1:4000']).warnings).toEqual([expect.stringContaining('in clear')]);
    for (const server of ['http://localhost:1', 'http://[::1]:1', 'https://10.0.0.1']) {
      expect(configOf(['--server', server]).warnings).toEqual([]);
    }
  });

  test('help', () => {
    expect(parseEnv(['--help'], {}, HOST)).toEqual({ kind: 'help' });
    expect(parseEnv(['-h'], {}, HOST)).toEqual({ kind: 'help' });
  });
});

describe('the credential', () => {
  const credential = { server: 'https://x', agentId: 'a', name: 'vm1', secret: 'gph_agent_1_s' };
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graphium-credential-'));
    path = join(folder, 'state', 'agent.json');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is stored whole, for its owner only, and found again', async () => {
    expect(await findCredential(path, 'https://x')).toBeUndefined();
    await storeCredential(path, { ...credential, secret: 'old' });
    await storeCredential(path, credential);
    expect(await findCredential(path, 'https://x')).toEqual(credential);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'state'))).toEqual(['agent.json']);
  });

  test('is refused when others may read it, when it is for another server, and when it is none', async () => {
    await storeCredential(path, credential);
    await expect(findCredential(path, 'https://y')).rejects.toThrow(/vm1 of https:\/\/x, not of https:\/\/y/);
    await chmod(path, 0o640);
    await expect(findCredential(path, 'https://x')).rejects.toThrow(/mode 0640.*chmod 600/);
    await writeFile(path, '{"server"');
    await chmod(path, 0o600);
    await expect(findCredential(path, 'https://x')).rejects.toThrow(/no credential/);
    expect(await readFile(path, 'utf8')).toBe('{"server"');
  });

  test('a place that cannot be written to is found before a join token is spent', async () => {
    await writeFile(join(folder, 'state'), 'a file');
    await expect(checkStorable(path)).rejects.toThrow(/cannot be kept/);
  });

  test('enrolls once with the join token; a restart needs none and a stale one does not matter', async () => {
    const labels = [{ key: 'disk', value: 'ssd' }];
    const asked: unknown[] = [];
    const server = await createFakeServer((_operation, variables) => {
      asked.push(variables);
      if (asked.length > 1) throw { code: 'UNAUTHENTICATED' };
      return { enrollAgent: { agentId: 'a', name: 'vm1', secret: 's' } };
    });
    try {
      const log = { info: () => {}, warn: () => {} };
      const stop = new AbortController().signal;
      const options = {
        server: server.url,
        url: `${server.url}/graphql`,
        name: 'vm1',
        labels,
        credentialPath: path,
        stop,
        log,
      };
      await expect(getCredential({ ...options, join: undefined })).rejects.toThrow(/createJoinToken/);
      const first = await getCredential({ ...options, join: 'gph_join' });
      expect(first).toEqual({ server: server.url, agentId: 'a', name: 'vm1', secret: 's' });
      expect(await getCredential({ ...options, join: 'gph_join' })).toEqual(first);
      expect(await getCredential({ ...options, join: undefined })).toEqual(first);
      expect(asked).toEqual([{ name: 'vm1', labels, secret: expect.stringMatching(/^[\w-]{43}$/) }]);
      expect([...server.tokens]).toEqual(['Bearer gph_join']);
      await expect(enroll({ ...options, join: 'gph_join' })).rejects.toThrow(/UNAUTHENTICATED/);
      expect(await findCredential(path, server.url)).toEqual(first);
    } finally {
      await server.close();
    }
  });
});

test('a plain log line', () => {
  const line = toPlainLine('{"level":"info","time":"2026-01-02T12:00:01.250Z","task":"17","n":2,"msg":"task started"}');
  expect(line).toBe('12:00:01.250 info  task started task=17 n=2\n');
  const entry = {
    level: 'warn',
    time: '2026-01-02T12:00:01.250Z',
    error: '\u001b[2J\u009b1m\r\nok \u202e',
    msg: 'a\u0007b',
  };
  expect(toPlainLine(JSON.stringify(entry))).toBe(
    '12:00:01.250 warn  a\\u0007b error=\\u001b[2J\\u009b1m\\u000d\\u000aok \\u202e\n',
  );
});
