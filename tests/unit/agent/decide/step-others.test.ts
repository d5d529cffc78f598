import { describe, expect, it } from 'vitest';
import type { PullJob } from '../../../../agent/decide/decision.ts';
import { FRESH_MEMORY } from '../../../../agent/decide/memory.ts';
import { decide } from '../../../../agent/decide/step.ts';
import { completes, container, ends, fails } from '../../../support/agent/observed.ts';

describe('CLEAN', () => {
  const job = { kind: 'CLEAN', taskId: 't', stack: 's', networks: ['n'], volumes: ['v'] } as const;
  const left = (status: string) => ({
    containers: [{ id: 'c1', name: 'web', status, revision: 1 }],
    networks: [],
    volumes: [],
  });
  const nets = { containers: [], networks: [{ id: 'n1', name: 'n' }], volumes: ['v'] };
  it.each([
    ['a running container', left('running'), [], { do: 'stop', id: 'c1' }],
    ['a stopped one', left('exited'), [], { do: 'remove', id: 'c1' }],
    ['one that is being removed', left('removing'), [], { do: 'awaitRemoval' }],
    ['networks', nets, [], { do: 'removeNetwork', id: 'n1' }],
    ['volumes', nets, ['n1'], { do: 'removeVolume', name: 'v' }],
    [
      'what others use',
      nets,
      ['n1', 'v'],
      ends('COMPLETED', { result: { message: expect.stringContaining('network n, volume v') } }),
    ],
    ['nothing', { containers: [], networks: [], volumes: [] }, [], completes('unchanged')],
    [
      'a container that was made after the removal was asked for',
      { ...nets, containers: [{ id: 'c1', name: 'web', status: 'running', revision: 3 }] },
      [],
      fails('STALE_REVISION'),
    ],
  ])('%s', (_, seen, spared, expected) => {
    const mutable = { ...job, networks: [...job.networks], volumes: [...job.volumes], upTo: 2 };
    expect(decide({ ...mutable, seen }, { ...FRESH_MEMORY, spared })).toMatchObject(expected);
  });
});

describe('DELETE', () => {
  const job = { kind: 'DELETE', taskId: 't', stack: 's', name: 'web', upTo: 2 } as const;
  it.each([
    ['takes what it knew of', 2, { do: 'stop' }],
    ['leaves what was made after it was asked for', 3, fails('STALE_REVISION')],
  ])('%s', (_, revision, expected) => {
    const seen = { named: container({ revision }), previous: null };
    expect(decide({ ...job, seen }, FRESH_MEMORY)).toMatchObject(expected);
  });
});

describe('PULL', () => {
  it.each([
    ['missing', false, false, { do: 'pull', image: 'i' }],
    ['missing', true, false, completes('present')],
    ['always', true, false, { do: 'pull' }],
    ['always', true, true, completes('pulled')],
    ['missing', false, true, fails('PULL_FAILED')],
  ] as const)('policy %s, present %s, pulled %s', (policy, present, pulled, expected) => {
    const memory = { ...FRESH_MEMORY, ...(pulled && { phase: { is: 'pulled' } as const }) };
    const job: PullJob = { kind: 'PULL', taskId: 't', stack: 's', image: 'i', policy };
    expect(decide({ ...job, seen: { present } }, memory)).toMatchObject(expected);
  });
});
