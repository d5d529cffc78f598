import { describe, expect, it } from 'vitest';
import { EngineError, exitCodeOfStart, TaskError, toPullError, toTaskError } from '../../../../agent/docker/errors.ts';

describe('what ends a task, and whether it is tried again', () => {
  it.each([
    ['no answer', null, 'connect ENOENT /var/run/docker.sock', 'ENGINE_UNREACHABLE', true],
    [
      'a name that is just being freed',
      409,
      'Conflict. The container name "/web" is already in use',
      'NAME_NOT_FREE',
      true,
    ],
    ['a removal under way', 409, 'removal of container c1 is already in progress', 'START_FAILED', true],
    ['a busy device', 500, 'unlinkat /var/lib/docker: device or resource busy', 'START_FAILED', true],
    ['a kill without an end', 500, 'tried to kill container, but did not receive an exit event', 'START_FAILED', true],
    ['an engine that shuts down', 503, 'daemon is shutting down', 'START_FAILED', true],
    ['a port', 500, 'Bind for 0.0.0.0:80 failed: port is already allocated', 'PORT_IN_USE', false],
    ["a program's port", 500, 'listen tcp4 0.0.0.0:80: bind: address already in use', 'PORT_IN_USE', false],
    ['an image that is gone', 404, 'No such image: web:1', 'IMAGE_NOT_FOUND', false],
    ['a subnet', 403, 'Pool overlaps with other one on this address space', 'NETWORK_CONFLICT', false],
    [
      'a subnet, on Podman',
      500,
      'subnet 10.2.0.0/24 is already used on the host or by another config',
      'NETWORK_CONFLICT',
      false,
    ],
    ['a command that is not there', 400, 'exec: "nope": executable file not found in $PATH', 'START_FAILED', false],
    ['too little memory asked for', 400, 'Minimum memory limit allowed is 6MB', 'START_FAILED', false],
  ])('%s', (_, status, detail, code, retryable) => {
    const error = toTaskError(new EngineError('Starting web', status, detail), {
      code: 'START_FAILED',
      what: 'Starting',
    });
    expect(error).toMatchObject({ failure: { code }, retryable });
  });

  it.each([
    ['a registry that is not there', 500, 'dial tcp 10.0.0.1:443: connect: connection refused', 'PULL_FAILED', true],
    ['a registry that fails', 500, 'received unexpected HTTP status: 503 Service Unavailable', 'PULL_FAILED', true],
    ['a registry that is too slow', 500, 'net/http: TLS handshake timeout', 'PULL_FAILED', true],
    ['one pull too many', 500, 'toomanyrequests: You have reached your pull rate limit', 'PULL_FAILED', true],
    ['no such tag', 404, 'manifest for web:9 not found: manifest unknown', 'IMAGE_NOT_FOUND', false],
    ['no credentials', 500, 'unauthorized: authentication required', 'PULL_DENIED', false],
  ])('a pull from %s', (_, status, detail, code, retryable) => {
    expect(toPullError('web:9', new EngineError('Pulling', status, detail))).toMatchObject({
      failure: { code },
      retryable,
    });
  });

  it.each([
    ['crun: executable file `nope` not found in $PATH: No such file or directory: OCI runtime error', 127],
    ['exec /run.sh: no such file or directory', 127],
    ['runc create failed: exec: "/etc/passwd": permission denied', 126],
    ['error mounting "/srv/x": no such file or directory', undefined],
  ])('%s has the exit code of a shell', (detail, code) => {
    expect(exitCodeOfStart(new EngineError('Starting web', 500, detail))).toBe(code);
  });

  it('what is decided already stays as it is', () => {
    const decided = new TaskError({ code: 'HEALTH_CHECK_FAILED', message: 'no' });
    expect(toTaskError(decided, { code: 'X', what: 'y' })).toBe(decided);
    expect(decided.retryable).toBe(false);
  });
});
