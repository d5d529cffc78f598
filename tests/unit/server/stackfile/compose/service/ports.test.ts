import { describe, expect, it } from 'vitest';
import { complaint, complaints, container, options } from '../../../../../support/stackfile/compose-service.ts';

/** Writes each port as `hostIp hostPort containerPort protocol`. */
function ports(...list: unknown[]): string[] {
  return options({ ports: list }).ports.map((port) =>
    [port.hostIp ?? '*', port.hostPort ?? '?', port.containerPort, port.protocol].join(' '),
  );
}

describe('short ports', () => {
  it.each([
    ['3000', ['* ? 3000 tcp']],
    [3000, ['* ? 3000 tcp']],
    ['3000-3002', ['* ? 3000 tcp', '* ? 3001 tcp', '* ? 3002 tcp']],
    ['8000:8000', ['* 8000 8000 tcp']],
    ['9090-9091:8080-8081', ['* 9090 8080 tcp', '* 9091 8081 tcp']],
    ['49100:22', ['* 49100 22 tcp']],
    ['127.0.0.1:8001:8001', ['127.0.0.1 8001 8001 tcp']],
    ['127.0.0.1:5000-5001:5000-5001', ['127.0.0.1 5000 5000 tcp', '127.0.0.1 5001 5001 tcp']],
    ['127.0.0.1::80', ['127.0.0.1 ? 80 tcp']],
    ['::1:6000:6000', ['::1 6000 6000 tcp']],
    ['[::1]:6001:6001', ['::1 6001 6001 tcp']],
    ['[::1]:80:80/udp', ['::1 80 80 udp']],
    ['[::1]::80', ['::1 ? 80 tcp']],
    ['6060:6060/udp', ['* 6060 6060 udp']],
    ['6060:6060/SCTP', ['* 6060 6060 sctp']],
    ['0:80', ['* ? 80 tcp']],
    ['8080-8080:80', ['* 8080 80 tcp']],
    [':80', ['* ? 80 tcp']],
    [':443:443', ['* 443 443 tcp']],
  ])('%s', (text, expected) => expect(ports(text)).toEqual(expected));

  it.each([
    '',
    '80:',
    '80:0',
    '70000',
    '1:70000',
    '80/quic',
    '80/tcp/x',
    'a:80',
    '300.0.0.1:80:80',
    '[127.0.0.1]:80:80',
    '90-80',
    '1-2-3',
    'localhost:80:80',
    '-80',
  ])('%j is none', (text) => expect(complaints({ ports: [text] })).toEqual(['INVALID_VALUE ports[0]']));

  it('points at the entry', () => {
    const { ports } = options({ ports: ['80', '443-444:443-444'] });
    expect(ports.map(({ place }) => place.path)).toEqual(['ports[0]', 'ports[1]', 'ports[1]']);
  });

  it('refuses what the ranges do not settle', () => {
    expect(complaint({ ports: ['8000-9000:80'] })).toBe(
      'any free port of a range is not supported: name one host port, or leave it out for a random one',
    );
    expect(complaint({ ports: ['8000-8001:80-82'] })).toBe('expected as many host ports as container ports, 3');
    expect(complaint({ ports: ['80:80-82'] })).toBe('expected as many host ports as container ports, 3');
  });

  it('does not expand millions', () => {
    expect(complaints({ ports: ['1-65535:1-65535', '1-1000', '2000'] })).toEqual([
      'INVALID_VALUE ports[0]',
      'INVALID_VALUE ports[2]',
    ]);
  });

  it('is a list', () => expect(complaints({ ports: '80:80' })).toEqual(['WRONG_TYPE ports']));
});

describe('long ports', () => {
  it.each([
    [{ target: 80 }, ['* ? 80 tcp']],
    [{ target: '80', published: 8080 }, ['* 8080 80 tcp']],
    [
      {
        name: 'web',
        target: 80,
        host_ip: '127.0.0.1',
        published: '8080',
        protocol: 'tcp',
        app_protocol: 'http',
        mode: 'host',
        'x-mine': 1,
      },
      ['127.0.0.1 8080 80 tcp'],
    ],
    [{ target: 53, published: '53', protocol: 'UDP', mode: 'ingress', host_ip: '[::1]' }, ['::1 53 53 udp']],
    [{ target: 80, published: '8080-8080' }, ['* 8080 80 tcp']],
    [{ target: 80, published: '', host_ip: '' }, ['* ? 80 tcp']],
    [{ target: 80, published: '0' }, ['* ? 80 tcp']],
  ])('%j', (port, expected) => expect(ports(port)).toEqual(expected));

  it.each([
    [{}, 'MISSING_FIELD ports[0].target'],
    [{ target: 0 }, 'INVALID_VALUE ports[0].target'],
    [{ target: '80-81' }, 'INVALID_VALUE ports[0].target'],
    [{ target: 80, published: 'x' }, 'INVALID_VALUE ports[0].published'],
    [{ target: 443, published: '8083-9000' }, 'UNSUPPORTED_FIELD ports[0].published'],
    [{ target: 80, host_ip: 'here' }, 'INVALID_VALUE ports[0].host_ip'],
    [{ target: 80, protocol: 'icmp' }, 'INVALID_VALUE ports[0].protocol'],
    [{ target: 80, mode: 'global' }, 'INVALID_VALUE ports[0].mode'],
    [{ target: 80, publish: 80 }, 'UNKNOWN_FIELD ports[0].publish'],
  ])('refuses %j', (port, expected) => expect(complaints({ ports: [port] })).toEqual([expected]));
});

describe('expose', () => {
  it('takes ports and ranges', () => {
    expect(container({ expose: ['3000', 8000, '8080-8081/udp', '3000/tcp'] }).expose).toEqual([
      { port: 3000, protocol: 'tcp' },
      { port: 8000, protocol: 'tcp' },
      { port: 8080, protocol: 'udp' },
      { port: 8081, protocol: 'udp' },
    ]);
    expect(container({ expose: [] })).toEqual({});
  });

  it.each(['80:80', '0', '80/x', 'http', '1-65535'])('refuses %s', (text) => {
    expect(complaints({ expose: [text] })).toEqual(['INVALID_VALUE expose[0]']);
  });
});
