import { describe, expect, it } from 'vitest';
import { toContainerBody } from '../../../../../agent/docker/shapes/body.ts';
import { bindUnsayable } from '../../../../../agent/docker/shapes/mounts.ts';
import type { ContainerSpec } from '../../../../../agent/docker/shapes/spec.ts';
import { bodyOf, OWNER, specOf } from '../../../../support/agent/specs.ts';

describe('mounts', () => {
  it('make a directory of the host as the engine can', () => {
    const mounts: ContainerSpec['mounts'] = [
      { type: 'bind', source: '/a', target: '/b', readOnly: true, createHostPath: true, propagation: 'rslave' },
      { type: 'bind', source: '/c', target: '/d', readOnly: false },
    ];
    expect(bodyOf({ mounts }, '1.41').HostConfig).toMatchObject({
      Binds: ['/a:/b:ro,rslave'],
      Mounts: [{ Source: '/c' }],
    });
    const { HostConfig } = bodyOf({ mounts }, '1.42');
    expect(HostConfig).not.toHaveProperty('Binds');
    expect(HostConfig.Mounts[0]).toMatchObject({ BindOptions: { CreateMountpoint: true, Propagation: 'rslave' } });
    const colon = specOf({
      mounts: [{ type: 'bind', source: '/a:b', target: '/b', readOnly: true, createHostPath: true }],
    });
    expect(bindUnsayable(colon, '1.41')).toHaveLength(1);
    expect(bindUnsayable(colon, '1.42')).toEqual([]);
  });

  it('make a volume that vanished as it was, and none of somebody else', () => {
    const mounts: ContainerSpec['mounts'] = ['v', 'theirs'].map((source) => ({
      type: 'volume',
      source,
      target: `/${source}`,
      readOnly: false,
      noCopy: true,
    }));
    const volumes = [
      { name: 'v', driver: 'd', driverOptions: { o: '1' }, labels: { team: 'a' } },
      { name: 'theirs', external: true },
    ];
    const [first, second] = bodyOf({ mounts }, '1.44', { volumes }).HostConfig.Mounts;
    expect(first?.VolumeOptions).toEqual({
      NoCopy: true,
      Labels: expect.objectContaining({ team: 'a', 'graphium.stack': 's' }),
      DriverConfig: { Name: 'd', Options: { o: '1' } },
    });
    expect(second?.VolumeOptions).toEqual({ NoCopy: true });
  });

  it('bring the files last, and never to be written', () => {
    const file = {
      kind: 'secret',
      name: 'k',
      target: '/run/secrets/k',
      mode: 0o400,
      uid: 0,
      gid: 0,
      digest: 'd',
      content: 'sesame',
    } as const;
    const files = [{ file, path: '/run/graphium/x/0' }];
    const body = toContainerBody(specOf({ files: [file] }), OWNER, { apiVersion: '1.44', files });
    expect(body.HostConfig.Mounts).toEqual([
      { Type: 'bind', Source: '/run/graphium/x/0', Target: '/run/secrets/k', ReadOnly: true },
    ]);
    expect(JSON.stringify(body)).not.toContain('sesame');
  });
});
