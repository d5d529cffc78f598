import { describe, expect, test } from 'vitest';
import { toAbilities, unheeded } from '../../../../../agent/docker/shapes/abilities.ts';
import type { ContainerBody } from '../../../../../agent/docker/shapes/body.ts';

const INFO = { NCPU: 2, MemTotal: 1e9, MemoryLimit: true, PidsLimit: true, CpuCfsQuota: true };
const asks = (HostConfig: object, rest: object = {}) => ({ HostConfig, ...rest }) as ContainerBody;

test('an engine is rootless, or Podman, by its own words', () => {
  expect(toAbilities(INFO, [{ Name: 'Engine' }])).toMatchObject({ rootless: false, podman: false });
  const rootless = { ...INFO, SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] };
  expect(toAbilities(rootless, [{ Name: 'Podman Engine' }])).toMatchObject({ rootless: true, podman: true });
});

describe('what is asked for and not done is told', () => {
  const weak = { ...INFO, MemoryLimit: false, PidsLimit: false, CpuCfsQuota: false };
  test.each([
    ['a limit that is not enforced', asks({ Memory: 8e6 }), ['This engine does not enforce the memory limit.']],
    [
      'several',
      asks({ Memory: 8e6, PidsLimit: 10, NanoCpus: 1e9 }),
      [expect.stringContaining('memory'), expect.stringContaining('processes'), expect.stringContaining('CPUs')],
    ],
    ['no limit', asks({ PidsLimit: -1 }), []],
  ])('%s', (_, body, words) => {
    expect(unheeded(body, toAbilities(weak))).toEqual(words);
    expect(unheeded(body, toAbilities(INFO))).toEqual([]);
    expect(unheeded(body, toAbilities({ NCPU: 1, MemTotal: 1 }))).toEqual([]);
  });

  test('what Podman leaves out', () => {
    const body = asks({ DeviceCgroupRules: ['c 1:3 mr'] }, { Domainname: 'example.test' });
    expect(unheeded(body, toAbilities(INFO, [{ Name: 'Podman Engine' }]))).toHaveLength(2);
    expect(unheeded(body, toAbilities(INFO))).toEqual([]);
  });
});
