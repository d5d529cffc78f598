import { describe, expect, it } from 'vitest';
import {
  type DockerInspect,
  type DockerListItem,
  type HealthState,
  toContainerReport,
  toObserved,
} from '../../../../../agent/docker/shapes/observe.ts';
import { demultiplex, toLines, toLogLines } from '../../../../../agent/docker/streams.ts';

const identity = { clusterId: 'k', agentName: 'vm1' };
const labels = {
  'graphium.cluster': 'k',
  'graphium.agent': 'vm1',
  'graphium.spec': 'abc',
  'graphium.revision': '4',
  'graphium.task': 't',
};
const inspect = (state: Partial<DockerInspect['State']> = {}, rest: Partial<DockerInspect> = {}): DockerInspect => ({
  Id: 'c1',
  Name: '/web',
  Image: 'sha256:1',
  State: { Status: 'running', Running: true, ExitCode: 0, StartedAt: '2026-01-01T00:00:00Z', ...state },
  Config: { Labels: labels },
  HostConfig: {},
  ...rest,
});

describe('an inspected container', () => {
  it('is ours by cluster and agent', () => {
    expect(toObserved(inspect(), identity)).toMatchObject({
      ours: true,
      specHash: 'abc',
      revision: 4,
      taskId: 't',
      imageId: 'sha256:1',
      running: true,
    });
    expect(toObserved(inspect(), { ...identity, agentName: 'vm2' }).ours).toBe(false);
    expect(toObserved(inspect(), { ...identity, clusterId: 'other' }).ours).toBe(false);
    expect(toObserved(inspect({}, { Config: { Labels: null } }), identity)).toMatchObject({
      ours: false,
      specHash: null,
      revision: 0,
    });
  });

  it.each([
    ['shop', 'shop'],
    ['x; rm -rf /', null],
    [undefined, null],
  ])('of the Compose project %s', (project, expected) => {
    const Labels: Record<string, string> = project === undefined ? {} : { 'com.docker.compose.project': project };
    expect(toObserved(inspect({}, { Config: { Labels } }), identity).composeProject).toBe(expected);
  });

  it('never started', () => {
    const seen = toObserved(
      inspect({ Status: 'created', Running: false, StartedAt: '0001-01-01T00:00:00Z' }),
      identity,
    );
    expect(seen).toMatchObject({ everStarted: false, running: false });
  });

  it('has exited when Podman says that it is stopped', () => {
    expect(toObserved(inspect({ Status: 'stopped', Running: false }), identity).status).toBe('exited');
  });

  it('runs while Docker restarts it', () => {
    expect(toObserved(inspect({ Status: 'restarting', Running: false, Restarting: true }), identity).running).toBe(
      true,
    );
  });

  it('keeps the last five probes', () => {
    const Log = Array.from({ length: 7 }, (_, index) => ({ ExitCode: 1, Output: ` probe ${index}\n` }));
    const seen = toObserved(inspect({ Health: { Status: 'unhealthy', FailingStreak: 7, Log } }), identity);
    expect(seen.health).toBe('UNHEALTHY');
    expect(seen.healthLog).toEqual([2, 3, 4, 5, 6].map((index) => `exit 1: probe ${index}`));
  });

  it('has a deadline for its health check', () => {
    const Healthcheck = { Interval: 2e9, Timeout: 1e9, Retries: 2, StartPeriod: 5e9 };
    expect(toObserved(inspect({}, { Config: { Labels: labels, Healthcheck } }), identity).healthDeadlineMs).toBe(
      24_000,
    );
    expect(toObserved(inspect({}, { Config: { Labels: labels, Healthcheck: {} } }), identity).healthDeadlineMs).toBe(
      250_000,
    );
  });

  it.each([
    ['bound', { '80/tcp': [{ HostPort: '8080' }] }, false],
    ['not bound', { '80/tcp': null }, true],
    ['not even listed', {}, true],
  ])('port %s', (_, Ports, lacksPorts) => {
    const rest = { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } }, NetworkSettings: { Ports } };
    expect(toObserved(inspect({}, rest), identity).lacksPorts).toBe(lacksPorts);
    expect(toObserved(inspect({ Running: false, Status: 'exited' }, rest), identity).lacksPorts).toBe(false);
  });
});

describe('a listed container', () => {
  const item = (change: Partial<DockerListItem> = {}): DockerListItem => ({
    Id: 'c1',
    Names: ['/s-web-1'],
    Image: 'nginx',
    State: 'running',
    Status: 'Up 3 seconds',
    Labels: { ...labels, 'graphium.stack': 's', 'graphium.service': 'web', 'graphium.replica': '2' },
    Ports: [],
    ...change,
  });
  const report = (change: Partial<DockerListItem> = {}, health: HealthState = 'NONE') =>
    toContainerReport(item(change), { startedAt: 'then', image: 'nginx:alpine', health });

  it('is reported', () => {
    const Ports = [
      { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { PrivatePort: 53, Type: 'udp' },
    ];
    expect(report({ Ports })).toEqual({
      id: 'c1',
      name: 's-web-1',
      stack: 's',
      service: 'web',
      replica: 2,
      revision: 4,
      specHash: 'abc',
      image: 'nginx:alpine',
      state: 'RUNNING',
      health: 'NONE',
      exitCode: null,
      ports: [
        { hostIp: null, hostPort: null, containerPort: 53, protocol: 'UDP' },
        { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'TCP' },
      ],
      startedAt: 'then',
      taskId: 't',
    });
  });

  it.each([
    ['running', 'Up 2 minutes (healthy)', 'RUNNING', 'HEALTHY', null],
    ['running', 'Up 2 minutes (unhealthy)', 'RUNNING', 'UNHEALTHY', null],
    ['running', 'Up 1 second (health: starting)', 'RUNNING', 'STARTING', null],
    ['paused', 'Up 2 minutes (Paused)', 'PAUSED', 'NONE', null],
    ['exited', 'Exited (137) 3 weeks ago', 'EXITED', 'NONE', 137],
    ['stopped', 'Exited (3) Less than a second ago', 'EXITED', 'NONE', 3],
    ['restarting', 'Restarting (1) 4 seconds ago', 'RESTARTING', 'NONE', 1],
    ['created', 'Created', 'CREATED', 'NONE', null],
    ['removing', 'Removal In Progress', 'REMOVING', 'NONE', null],
  ])('%s, "%s"', (State, Status, state, health, exitCode) => {
    expect(report({ State, Status })).toMatchObject({ state, health, exitCode });
  });

  it.each([
    ['where the list is silent', 'running', 'Up 2 minutes', 'UNHEALTHY'],
    ['not where the list knows', 'running', 'Up 2 minutes (healthy)', 'HEALTHY'],
    ['not when it has ended', 'exited', 'Exited (0) 2 minutes ago', 'NONE'],
  ])('is as healthy as a look at it said, %s', (_, State, Status, health) => {
    expect(report({ State, Status }, 'UNHEALTHY').health).toBe(health);
  });
});

describe('output', () => {
  const frame = (stream: number, text: string) => {
    const body = Buffer.from(text);
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(body.length, 4);
    return Buffer.concat([head, body]);
  };
  const options = { tty: false, lines: 3, chars: 10 };

  it('of both streams in the order in which it came', () => {
    const bytes = Buffer.concat([frame(1, 'one\n'), frame(2, 'two\n'), frame(1, 'thr'), frame(1, 'ee\n')]);
    expect(toLogLines(bytes, options)).toEqual(['one', 'two', 'three']);
  });
  it('is kept to the last lines, and each to its beginning', () => {
    expect(toLogLines(frame(1, 'a\nb\nc\n0123456789x\n'), options)).toEqual(['b', 'c', '012345678…']);
  });
  it('of a TTY is not framed', () => {
    expect(toLogLines(Buffer.from('a\r\nb\r\n'), { ...options, tty: true })).toEqual(['a', 'b']);
  });
  it('that is cut off in a frame', () =>
    expect(demultiplex(frame(1, 'abc').subarray(0, 10), false).toString()).toBe('ab'));
  it('of nothing', () => expect(toLogLines(Buffer.alloc(0), options)).toEqual([]));

  it('comes in lines however it is cut', async () => {
    const bytes = Buffer.from('{"a":"ä"}\r\n\n{"b":1}\n{"c":2}');
    const single = async function* () {
      for (const byte of bytes) yield Buffer.from([byte]);
    };
    const lines: string[] = [];
    for await (const line of toLines(single())) lines.push(line.trim());
    expect(lines).toEqual(['{"a":"ä"}', '{"b":1}', '{"c":2}']);
  });
});
