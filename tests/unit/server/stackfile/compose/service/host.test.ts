import { describe, expect, it } from 'vitest';
import { complaint, complaints, container, options } from '../../../../../support/stackfile/compose-service.ts';

it('reads what the process is given', () => {
  const keys = {
    annotations: { 'com.example.foo': 'bar' },
    attach: false,
    labels: ['com.example.a=b', 'com.example.empty'],
    user: '1000:1000',
    working_dir: '/app',
    hostname: 'web_1',
    domainname: 'example.com',
    tty: 'true',
    stdin_open: true,
    init: 'no',
    read_only: true,
    stop_signal: 'SIGUSR1',
    stop_grace_period: '1m30s',
  };
  expect(container(keys)).toEqual({
    annotations: { 'com.example.foo': 'bar' },
    labels: { 'com.example.a': 'b', 'com.example.empty': '' },
    user: '1000:1000',
    workingDir: '/app',
    hostname: 'web_1',
    domainname: 'example.com',
    tty: true,
    openStdin: true,
    init: false,
    readOnly: true,
    stopSignal: 'SIGUSR1',
    stopGraceMs: 90_000,
  });
});

it('reads what the host is asked for', () => {
  const keys = {
    cap_add: ['ALL'],
    cap_drop: ['NET_ADMIN', 'SYS_ADMIN'],
    cgroup: 'private',
    cgroup_parent: 'm-executor-abcd',
    device_cgroup_rules: ['c 1:3 mr', 'a 7:* rmw'],
    devices: [
      '/dev/ttyUSB0:/dev/ttyUSB0',
      '/dev/sda:/dev/xvda:r',
      '/dev/null',
      { source: '/dev/a', target: '/dev/b', permissions: 'rw' },
      { source: '/dev/c' },
    ],
    group_add: ['mail', 1000],
    ipc: 'shareable',
    pid: 'host',
    uts: 'host',
    userns_mode: 'host',
    logging: { driver: 'syslog', options: { 'syslog-address': 'tcp://192.168.0.42:123', 'max-file': 3, tag: null } },
    platform: 'linux/arm64/v8',
    privileged: true,
    pull_policy: 'always',
    runtime: 'runc',
    security_opt: [
      'label:user:USER',
      'no-new-privileges:true',
      'no-new-privileges',
      'apparmor=x',
      'seccomp:unconfined',
    ],
    storage_opt: { size: '1G' },
    sysctls: { 'net.core.somaxconn': 1024 },
    ulimits: { nproc: 65535, nofile: { soft: '20000', hard: 40000 }, memlock: -1, core: { soft: 0, hard: -1 } },
  };
  expect(container(keys)).toEqual({
    capAdd: ['ALL'],
    capDrop: ['NET_ADMIN', 'SYS_ADMIN'],
    cgroupMode: 'private',
    cgroupParent: 'm-executor-abcd',
    deviceCgroupRules: ['c 1:3 mr', 'a 7:* rmw'],
    devices: [
      { source: '/dev/ttyUSB0', target: '/dev/ttyUSB0', permissions: 'rwm' },
      { source: '/dev/sda', target: '/dev/xvda', permissions: 'r' },
      { source: '/dev/null', target: '/dev/null', permissions: 'rwm' },
      { source: '/dev/a', target: '/dev/b', permissions: 'rw' },
      { source: '/dev/c', target: '/dev/c', permissions: 'rwm' },
    ],
    groupAdd: ['mail', '1000'],
    ipcMode: 'shareable',
    pidMode: 'host',
    utsMode: 'host',
    usernsMode: 'host',
    logging: { driver: 'syslog', options: { 'syslog-address': 'tcp://192.168.0.42:123', 'max-file': '3', tag: '' } },
    platform: 'linux/arm64/v8',
    privileged: true,
    pullPolicy: 'always',
    runtime: 'runc',
    securityOpt: ['label=user:USER', 'no-new-privileges=true', 'no-new-privileges', 'apparmor=x', 'seccomp=unconfined'],
    storageOptions: { size: '1G' },
    sysctls: { 'net.core.somaxconn': '1024' },
    ulimits: [
      { name: 'nproc', soft: 65535, hard: 65535 },
      { name: 'nofile', soft: 20000, hard: 40000 },
      { name: 'memlock', soft: -1, hard: -1 },
      { name: 'core', soft: 0, hard: -1 },
    ],
  });
  expect(container({ sysctls: ['net.core.somaxconn=1024'] }).sysctls).toEqual({ 'net.core.somaxconn': '1024' });
});

it.each([
  ['never', { pullPolicy: 'never' }],
  ['missing', {}],
  ['if_not_present', {}],
])('pull_policy: %s', (pull_policy, expected) => expect(container({ pull_policy })).toEqual(expected));

it('reads how names are resolved', () => {
  expect(container({ dns: '8.8.8.8', dns_search: 'example.com', dns_opt: ['use-vc', 'no-tld-query'] })).toEqual({
    dns: ['8.8.8.8'],
    dnsSearch: ['example.com'],
    dnsOptions: ['use-vc', 'no-tld-query'],
  });
  expect(container({ dns: ['8.8.8.8', 'fd00::1'], dns_search: ['a.example', 'b.example'] })).toEqual({
    dns: ['8.8.8.8', 'fd00::1'],
    dnsSearch: ['a.example', 'b.example'],
  });
});

it.each([
  [
    ['somehost=162.242.195.82', 'myhostv6=::1'],
    ['somehost:162.242.195.82', 'myhostv6:::1'],
  ],
  [
    ['somehost:162.242.195.82', 'myhostv6:::1', 'a=[::1]'],
    ['somehost:162.242.195.82', 'myhostv6:::1', 'a:::1'],
  ],
  [
    ['gateway:host-gateway', 'two=10.0.0.1,10.0.0.2'],
    ['gateway:host-gateway', 'two:10.0.0.1', 'two:10.0.0.2'],
  ],
  [{ somehost: '162.242.195.82', both: ['10.0.0.1', '::1'] }, ['somehost:162.242.195.82', 'both:10.0.0.1', 'both:::1']],
])('extra_hosts: %j', (extra_hosts, expected) => expect(container({ extra_hosts }).extraHosts).toEqual(expected));

describe('refuses', () => {
  it.each([
    [{ user: '' }, 'INVALID_VALUE user'],
    [{ working_dir: 'app' }, 'INVALID_VALUE working_dir'],
    [{ hostname: '-web' }, 'INVALID_VALUE hostname'],
    [{ hostname: 'a'.repeat(65) }, 'INVALID_VALUE hostname'],
    [{ domainname: 'a b' }, 'INVALID_VALUE domainname'],
    [{ stop_signal: 'please stop' }, 'INVALID_VALUE stop_signal'],
    [{ stop_grace_period: '10' }, 'INVALID_VALUE stop_grace_period'],
    [{ tty: 1.5 }, 'INVALID_VALUE tty'],
    [{ attach: 'maybe' }, 'INVALID_VALUE attach'],
    [{ cap_add: 'ALL' }, 'WRONG_TYPE cap_add'],
    [{ cap_add: ['NET ADMIN'] }, 'INVALID_VALUE cap_add[0]'],
    [{ cgroup: 'shared' }, 'INVALID_VALUE cgroup'],
    [{ device_cgroup_rules: ['c 1:3'] }, 'INVALID_VALUE device_cgroup_rules[0]'],
    [{ devices: ['/dev/sda:rwm'] }, 'INVALID_VALUE devices[0]'],
    [{ devices: ['./dev'] }, 'INVALID_VALUE devices[0]'],
    [{ devices: [{ target: '/dev/a' }] }, 'MISSING_FIELD devices[0].source'],
    [{ devices: ['vendor1.com/device=gpu'] }, 'UNSUPPORTED_FIELD devices[0]'],
    [{ ipc: 'service:db' }, 'UNSUPPORTED_FIELD ipc'],
    [{ pid: 'container:db' }, 'UNSUPPORTED_FIELD pid'],
    [{ pid: 'mine' }, 'INVALID_VALUE pid'],
    [{ uts: 'private' }, 'INVALID_VALUE uts'],
    [{ platform: 'linux/' }, 'INVALID_VALUE platform'],
    [{ logging: { drivr: 'x' } }, 'UNKNOWN_FIELD logging.drivr'],
    [{ pull_policy: 'build' }, 'UNSUPPORTED_FIELD pull_policy'],
    [{ pull_policy: 'daily' }, 'UNSUPPORTED_FIELD pull_policy'],
    [{ pull_policy: 'every_2d12h' }, 'UNSUPPORTED_FIELD pull_policy'],
    [{ pull_policy: 'sometimes' }, 'INVALID_VALUE pull_policy'],
    [{ security_opt: ['seccomp:./profile.json'] }, 'UNSUPPORTED_FIELD security_opt[0]'],
    [{ security_opt: ['systempaths=unconfined'] }, 'UNSUPPORTED_FIELD security_opt[0]'],
    [{ security_opt: ['label'] }, 'INVALID_VALUE security_opt[0]'],
    [{ ulimits: { nofiles: 1 } }, 'UNKNOWN_FIELD ulimits.nofiles'],
    [{ ulimits: { nofile: { soft: 2, hard: 1 } } }, 'INVALID_VALUE ulimits.nofile'],
    [{ ulimits: { nofile: { soft: 2 } } }, 'MISSING_FIELD ulimits.nofile.hard'],
    [{ dns: ['dns.example'] }, 'INVALID_VALUE dns[0]'],
    [{ extra_hosts: ['somehost'] }, 'INVALID_VALUE extra_hosts[0]'],
    [{ extra_hosts: { somehost: 'there' } }, 'INVALID_VALUE extra_hosts.somehost'],
    [{ extra_hosts: 'a=1.1.1.1' }, 'WRONG_TYPE extra_hosts'],
  ])('%j', (keys, expected) => expect(complaints(keys)).toEqual([expected]));

  it.each([
    ['build', { context: '.' }],
    ['cpu_count', 2],
    ['cpu_percent', 50],
    ['cpu_rt_period', '1400us'],
    ['cpu_rt_runtime', 95000],
    ['credential_spec', { file: 'x' }],
    ['develop', { watch: [] }],
    ['env_file', '.env'],
    ['env_file', [{ path: 'a.env' }]],
    ['extends', { service: 'base' }],
    ['external_links', ['redis']],
    ['gpus', 'all'],
    ['isolation', 'hyperv'],
    ['label_file', './labels'],
    ['links', ['db:database']],
    ['mac_address', '02:42:ac:11:65:43'],
    ['models', ['m']],
    ['post_start', [{ command: 'x' }]],
    ['pre_stop', [{ command: 'x' }]],
    ['provider', { type: 'awesomecloud' }],
    ['pull_refresh_after', '1d'],
    ['use_api_socket', true],
    ['volumes_from', ['db:ro']],
  ])('%s by name', (key, value) => {
    expect(complaints({ [key]: value })).toEqual([`UNSUPPORTED_FIELD ${key}`]);
    expect(complaint({ [key]: value })).toMatch(new RegExp(`^"${key}" is not supported: \\S`));
  });

  it('says how to go on', () => {
    expect(complaint({ image: undefined, build: '.' })).toBe(
      '"build" is not supported: push an image first and name it with "image"',
    );
    expect(complaint({ env_file: '.env' })).toContain('"environment"');
    expect(complaint({ tyy: true })).toBe('unknown field "tyy": did you mean "tty"?');
  });

  it('nothing that asks for nothing', () => {
    expect(options({ links: [], use_api_socket: false, env_file: [], 'x-anything': { build: '.' } }).container).toEqual(
      {},
    );
  });
});
