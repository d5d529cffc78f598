import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../agent/policy/schema.ts';
import { violations } from '../../../../agent/policy/violations.ts';

const host = (HostConfig: object) => ({ Image: 'nginx', HostConfig });
const bind = (Source: string, rest: object = {}) =>
  host({ Mounts: [{ Type: 'bind', Source, Target: '/x', ReadOnly: false, ...rest }] });

describe('what a container takes of its host', () => {
  const ports = (...HostPort: string[]) =>
    host({ PortBindings: { '80/tcp': HostPort.map((port) => ({ HostIp: '', HostPort: port })) } });
  const ulimit = (Name: string, Hard = 10) => host({ Ulimits: [{ Name, Soft: 0, Hard }] });
  const shared = (Propagation: string) => bind('/srv', { BindOptions: { Propagation } });
  const limited = host({ Memory: 1, PidsLimit: 10, NanoCpus: 1 });

  it.each([
    ['any port but that of SSH', ports('80', '8080', '53', ''), {}],
    ['the port of SSH where it is allowed', ports('22'), { allowPorts: ['22'] }],
    ['a port that is named', ports('8080'), { ports: ['80', '8000-8999'] }],
    ['a range within one that is named', ports('8000-8010'), { ports: ['8000-8999'] }],
    ['a port besides those', ports('22', '8000'), { ports: ['8000'], allowPorts: ['22'] }],
    [
      'locked memory and open files',
      host({
        Ulimits: [
          { Name: 'memlock', Soft: -1, Hard: -1 },
          { Name: 'nofile', Hard: 9 },
        ],
      }),
      {},
    ],
    ['no priority', ulimit('rtprio', 0), {}],
    ['priority where it is allowed', ulimit('rtprio'), { allowUlimits: ['rtprio'] }],
    ['mounts that the host hands down', shared('rslave'), { allowBindMounts: ['/srv'] }],
    [
      'mounts that go both ways where it is allowed',
      shared('rshared'),
      { allowBindMounts: ['/srv'], allowMountPropagation: ['rshared'] },
    ],
    ['all limits that are wanted', limited, { requireLimits: ['memory', 'pids', 'cpus'] }],
  ])('may be %s', (_, body, policy) => expect(violations(body, parsePolicy(policy))).toEqual([]));

  it.each([
    { Type: '', Config: { 'max-size': '10m' } },
    { Type: 'json-file', Config: { 'max-size': '10m' } },
    { Type: 'local', Config: {} },
    { Type: 'none', Config: {} },
  ])('may be a log with an end: %o', (LogConfig) =>
    expect(violations(host({ LogConfig }), parsePolicy({ requireLimits: ['logs'] }))).toEqual([]),
  );

  it.each([
    ['the port of SSH', ports('80', '22'), {}, /^HostConfig\.PortBindings\.80\/tcp\.1: host port 22 is not allowed$/],
    ['a range with it', ports('20-30'), {}, /host port 20-30 is not allowed/],
    ['a port that is not named', ports('81'), { ports: ['80'] }, /host port 81 is not among those allowed/],
    ['a range that ends outside', ports('8990-9001'), { ports: ['8000-8999'] }, /8990-9001 is not among/],
    ['real-time priority', ulimit('rtprio'), {}, /Ulimits\.0: ulimit rtprio is not allowed/],
    ['real-time priority in capitals', ulimit('RTPRIO'), {}, /Ulimits\.0: ulimit RTPRIO is not allowed/],
    ['a better priority', ulimit('nice', -1), {}, /ulimit nice/],
    [
      'mounts that go both ways',
      shared('shared'),
      { allowBindMounts: ['/srv'] },
      /mount propagation shared is not allowed/,
    ],
    [
      'the same in the short form',
      host({ Binds: ['/srv:/x:rw,rshared'] }),
      { allowBindMounts: ['/srv'] },
      /mount propagation rshared/,
    ],
    [
      'no limits where they are wanted',
      host({ Memory: 1, PidsLimit: -1 }),
      { requireLimits: ['memory', 'pids'] },
      /^HostConfig: this host wants every container to have a limit of pids/,
    ],
    [
      'a log without an end where one is wanted',
      host({ LogConfig: { Type: 'json-file', Config: { 'max-file': '3' } } }),
      { requireLimits: ['logs'] },
      /limit of logs, so set one/,
    ],
    [
      'nothing said where limits are wanted',
      { Image: 'nginx' },
      { requireLimits: ['memory'] },
      /limit of memory, so set one/,
    ],
  ])('may not be %s', (_, body, policy, words) => {
    expect(violations(body, parsePolicy(policy))).toEqual([expect.stringMatching(words)]);
  });

  it('is named in numbers of ports', () => {
    expect(() => parsePolicy({ ports: ['http'] })).toThrow(/ports\.0: a port such as/);
  });
});

it('does not take a registry with capitals for a name on Docker Hub', () => {
  const policy = parsePolicy({ registries: ['docker.io'] });
  expect(violations({ Image: 'team/x' }, policy)).toEqual([]);
  expect(violations({ Image: 'EVIL/x' }, policy)).toEqual([expect.stringContaining('registry EVIL is not among')]);
});
