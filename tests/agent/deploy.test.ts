import { beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, fail, specOf, name, inspect, names, stack } = host;
const web = name('web');
const second = { command: ['sh', '-c', 'trap "exit 0" TERM; echo second; while :; do sleep 1 & wait; done'] };

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});

describe('DEPLOY of what is not there', () => {
  it('makes it as asked', async () => {
    const spec = specOf(
      {
        environment: { COLOR: 'blue' },
        labels: { team: 'a' },
        memoryBytes: 64 * 1024 * 1024,
        nanoCpus: 500_000_000,
        restart: { name: 'on-failure', maximumRetryCount: 2 },
        ports: [{ containerPort: 80, hostPort: null, hostIp: null, protocol: 'tcp' }],
        mounts: [{ type: 'volume', source: `${host.stack}_data`, target: '/data', readOnly: false }],
        networks: [{ name: `${host.stack}_net`, aliases: ['web'] }],
      },
      { networks: [host.network()], volumes: [{ name: `${host.stack}_data` }] },
    );
    const id = await up('DEPLOY', spec, { taskId: 'task-1' });
    const found = await inspect<{
      Config: { Env: string[]; Labels: Record<string, string> };
      HostConfig: object;
      Mounts: object[];
      NetworkSettings: {
        Networks: Record<string, { Aliases: string[] }>;
        Ports: Record<string, { HostPort: string }[]>;
      };
    }>(id);
    expect(found.Config.Env).toContain('COLOR=blue');
    expect(found.Config.Labels).toMatchObject({ team: 'a', 'graphium.task': 'task-1', 'graphium.spec': spec.specHash });
    expect(found.HostConfig).toMatchObject({
      Memory: 64 * 1024 * 1024,
      NanoCpus: 500_000_000,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    });
    expect(found.Mounts).toMatchObject([
      { Type: 'volume', Name: `${host.stack}_data`, Destination: '/data', RW: true },
    ]);
    expect(found.NetworkSettings.Networks[`${host.stack}_net`]?.Aliases).toContain('web');
    expect(found.NetworkSettings.Ports['80/tcp']?.[0]?.HostPort).toMatch(/^\d+$/);
    expect((await engine.findVolume(`${host.stack}_data`))?.Labels).toMatchObject({ 'graphium.stack': host.stack });
  });

  it('joins further networks', async () => {
    const networks = ['a', 'b'].map((suffix) => host.network({ name: `${host.stack}_${suffix}` }));
    const id = await up(
      'DEPLOY',
      specOf({ networks: networks.map((n) => ({ name: n.name, aliases: ['web'] })) }, { networks }),
    );
    const found = await inspect<{ NetworkSettings: { Networks: object } }>(id);
    expect(Object.keys(found.NetworkSettings.Networks).sort()).toEqual(networks.map((n) => n.name));
  });

  it('goes through the phases', async () => {
    const phases: string[] = [];
    await up('DEPLOY', specOf(), { update: ({ phase }) => phases.at(-1) !== phase && phases.push(phase) });
    expect(phases).toEqual(['PREPARING', 'CREATING', 'STARTING', 'VERIFYING']);
  });

  it('takes a job that ended with 0 for good', async () => {
    const id = await up('DEPLOY', specOf({ command: ['echo', 'done'] }));
    expect((await inspect(id)).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
  });

  it('does not do a job twice that an earlier attempt did', async () => {
    const spec = specOf({ command: ['echo', 'done'] });
    const id = await up('DEPLOY', spec, { taskId: 'same' });
    const before = (await inspect(id)).State.StartedAt;
    await up('DEPLOY', spec, { taskId: 'same' });
    expect((await inspect(id)).State.StartedAt).toBe(before);
  });

  it('waits until it is healthy', async () => {
    const test = ['CMD-SHELL', 'test -e /ready'];
    const command = ['sh', '-c', 'trap "exit 0" TERM; sleep 1; touch /ready; while :; do sleep 1 & wait; done'];
    const healthCheck = { test, intervalMs: 500, timeoutMs: 1_000, retries: 10, startPeriodMs: 0 };
    const id = await up('DEPLOY', specOf({ command, healthCheck }));
    expect((await inspect(id)).State.Health?.Status).toBe('healthy');
  });
});

describe('DEPLOY of what cannot be', () => {
  it('exits: code, exit code and log without values of the environment, and nothing is left', async () => {
    const command = ['sh', '-c', 'echo out $DSN; echo err >&2; exit 3'];
    const failure = await fail('DEPLOY', specOf({ command, environment: { DSN: 'pg://me:hunter22@db' } }));
    expect(failure).toMatchObject({ code: 'CONTAINER_EXITED', exitCode: 3, retryable: false });
    expect(failure.logs?.toSorted()).toEqual(['err', 'out (value of DSN)']);
    expect(await names()).toEqual([]);
  });

  it('restarts again and again', async () => {
    const restart = { name: 'always' as const, maximumRetryCount: 0 };
    const failure = await fail('DEPLOY', specOf({ command: ['sh', '-c', 'echo boo; exit 1'], restart }));
    expect(failure).toMatchObject({ code: 'CONTAINER_EXITED', logs: expect.arrayContaining(['boo']) });
    expect(await names()).toEqual([]);
  });

  it('never gets healthy: health log and log', async () => {
    const healthCheck = {
      test: ['CMD-SHELL', 'echo not yet; exit 1'],
      intervalMs: 200,
      timeoutMs: 1_000,
      retries: 2,
      startPeriodMs: 0,
    };
    const failure = await fail('DEPLOY', specOf({ healthCheck }));
    expect(failure).toMatchObject({ code: 'HEALTH_CHECK_FAILED', logs: ['up'], retryable: false });
    expect(failure.healthLog?.[0]).toContain('not yet');
    expect(await names()).toEqual([]);
  });

  it('has a command that is not in the image', async () => {
    const failure = await fail('DEPLOY', specOf({ command: ['no-such-command'] }));
    expect(failure).toMatchObject({ code: 'START_FAILED', exitCode: 127, retryable: false });
    expect(failure.message).toContain('no-such-command');
    expect(await names()).toEqual([]);
  });

  it('wants a port that is taken', async () => {
    const ports = (hostPort: number | null) => [
      { containerPort: 80, hostPort, hostIp: null, protocol: 'tcp' as const },
    ];
    const first = await up('DEPLOY', specOf({ ports: ports(null) }));
    const hostPort = await host.portOf(first);
    const other = specOf({ name: name('other'), service: 'other', ports: ports(hostPort) });
    expect(await fail('DEPLOY', other)).toMatchObject({ code: 'PORT_IN_USE', retryable: false });
    expect(await names()).toEqual([web]);
  });

  it('is refused by the policy before anything is made', async () => {
    const mounts = [{ type: 'bind' as const, source: '/etc', target: '/x', readOnly: true }];
    const spec = specOf({ mounts }, { networks: [host.network()] });
    expect(await fail('DEPLOY', spec)).toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('/etc'),
    });
    expect(await engine.networksLabelled([`graphium.cluster=${host.clusterId}`])).toEqual([]);
    await up('DEPLOY', specOf({ mounts }), { policy: parsePolicy({ allowBindMounts: ['/etc'] }) });
  });

  it('is not understood', async () => {
    expect(await fail('DEPLOY', { ...specOf(), version: 2 })).toMatchObject({ code: 'SPEC_UNSUPPORTED' });
    expect(await fail('DEPLOY', { ...specOf(), surprise: 1 })).toMatchObject({
      message: expect.stringContaining('surprise'),
    });
  });
});

describe('DEPLOY of what is there', () => {
  it('adopts it: same id, same start', async () => {
    const id = await up('DEPLOY', specOf());
    const before = (await inspect(id)).State.StartedAt;
    expect(await run('DEPLOY', specOf())).toMatchObject({
      status: 'COMPLETED',
      result: { containerId: id, action: 'unchanged' },
    });
    expect((await inspect(id)).State.StartedAt).toBe(before);
  });

  it('starts it when it is stopped', async () => {
    const id = await up('DEPLOY', specOf());
    await engine.stopContainer(id, 10);
    expect(await run('DEPLOY', specOf())).toMatchObject({ result: { containerId: id, action: 'started' } });
  });

  it('makes again what was created and never started', async () => {
    const id = await up('DEPLOY', specOf());
    const { Config } = await inspect(id);
    await engine.removeContainer(id);
    const HostConfig = {
      NetworkMode: 'bridge',
      PortBindings: {},
      Mounts: [],
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    };
    const body = { Image: host.images.busybox, Env: [], Labels: Config.Labels ?? {}, ExposedPorts: {}, HostConfig };
    const { id: leftover } = await engine.createContainer(web, body);
    const made = await up('DEPLOY', specOf());
    expect(made).not.toBe(leftover);
    expect((await inspect(made)).State.Running).toBe(true);
  });

  it('replaces it when the spec is another', async () => {
    const first = await up('DEPLOY', specOf());
    const outcome = await run('DEPLOY', specOf(second, { revision: 2 }));
    expect(outcome).toMatchObject({ status: 'COMPLETED', result: { action: 'replaced' } });
    expect(await names()).toEqual([web]);
    expect((await inspect(web)).Id).not.toBe(first);
  });

  it.each([
    ['exits', { command: ['sh', '-c', 'exit 3'] }, 'CONTAINER_EXITED'],
    ['cannot be started', { command: ['no-such-command'] }, 'START_FAILED'],
    ['cannot be created', { memoryBytes: 1 }, 'CREATE_FAILED'],
    ['has no image', { image: 'localhost:1/none:1' }, 'PULL_FAILED'],
  ])('keeps the previous one, running, when the new one %s', async (_, change, code) => {
    const first = await up('DEPLOY', specOf());
    expect(await fail('DEPLOY', specOf(change, { revision: 2 }))).toMatchObject({ code });
    expect(await names()).toEqual([web]);
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true } });
  });

  it('keeps the previous one stopped when it was stopped', async () => {
    const first = await up('DEPLOY', specOf());
    await engine.stopContainer(first, 10);
    await fail('DEPLOY', specOf({ command: ['sh', '-c', 'exit 3'] }, { revision: 2 }));
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: false } });
  });

  it('gives the port from the previous one to the new one', async () => {
    const first = await up(
      'DEPLOY',
      specOf({ ports: [{ containerPort: 80, hostPort: null, hostIp: null, protocol: 'tcp' }] }),
    );
    const hostPort = await host.portOf(first);
    const ports = [{ containerPort: 80, hostPort, hostIp: null, protocol: 'tcp' as const }];
    expect(await run('DEPLOY', specOf({ ...second, ports }))).toMatchObject({ result: { action: 'replaced' } });
  });

  it('tells what the engine warns of', async () => {
    const policy = parsePolicy({ allowOomTuning: true });
    const outcome = await run('DEPLOY', specOf({ oomKillDisable: true, memoryBytes: null }), { policy });
    const message = expect.stringMatching(/^The engine warns: .*oom/i);
    expect(outcome).toMatchObject({ status: 'COMPLETED', result: { action: 'created', message } });
  });

  it('changes nothing when a newer revision is there', async () => {
    const id = await up('DEPLOY', specOf(second, { revision: 2 }));
    expect(await fail('DEPLOY', specOf())).toMatchObject({ code: 'STALE_REVISION', retryable: false });
    expect((await inspect(web)).Id).toBe(id);
  });

  it('never touches what is not ours', async () => {
    const id = await host.addForeign(web);
    const before = (await inspect(id)).State.StartedAt;
    expect(await fail('DEPLOY', specOf())).toMatchObject({ code: 'NAME_CONFLICT', retryable: false });
    await up('STOP', { version: 1 });
    await up('DELETE', { version: 1 });
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true, StartedAt: before } });
  });

  it('says how to make room where Docker Compose has run the stack so far', async () => {
    await host.addForeign(web, { 'com.docker.compose.project': 'shop' });
    const { message } = await fail('DEPLOY', specOf());
    expect(message).toContain('"docker compose -p shop down" on the host makes room and keeps the volumes.');
  });

  it("never touches another stack's", async () => {
    const id = await up('DEPLOY', specOf());
    const options = { stack: 'another' };
    const { code, message } = await fail('DEPLOY', specOf(second, { revision: 2 }), options);
    expect([code, message]).toEqual(['NAME_CONFLICT', expect.stringContaining(`belongs to the stack ${stack}`)]);
    await up('STOP', { version: 1 }, options);
    await up('DELETE', { version: 1 }, options);
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true } });
  });

  it("never touches another agent's", async () => {
    const id = await up('DEPLOY', specOf(), { agent: 'somebody-else' });
    expect(await fail('DEPLOY', specOf())).toMatchObject({ code: 'NAME_CONFLICT' });
    await up('DELETE', { version: 1 });
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true } });
  });
});
