import { describe, expect, it } from 'vitest';
import { complaint, complaints, container } from '../../../../../support/stackfile/compose-service.ts';

const deploy = (limits: object, reservations: object = {}) => ({ deploy: { resources: { limits, reservations } } });

describe('limits', () => {
  it('reads the legacy keys', () => {
    const keys = {
      cpus: '0.5',
      mem_limit: '512m',
      mem_reservation: '256mb',
      memswap_limit: '1gb',
      mem_swappiness: '0',
      cpu_shares: 512,
      cpuset: '0-3,5',
      pids_limit: -1,
      blkio_config: { weight: 300 },
      oom_kill_disable: 'true',
      oom_score_adj: -500,
      shm_size: '64M',
    };
    expect(container(keys)).toEqual({
      nanoCpus: 500_000_000,
      memoryBytes: 536_870_912,
      memoryReservationBytes: 268_435_456,
      memorySwapBytes: 1_073_741_824,
      memorySwappiness: 0,
      cpuShares: 512,
      cpuset: '0-3,5',
      pidsLimit: -1,
      blkioWeight: 300,
      oomKillDisable: true,
      oomScoreAdjust: -500,
      shmBytes: 67_108_864,
    });
    expect(container({ cpu_period: 100_000, cpu_quota: '50000' })).toEqual({
      cpuPeriodUs: 100_000,
      cpuQuotaUs: 50_000,
    });
    expect(container({ memswap_limit: -1, cpu_quota: -1 })).toEqual({ memorySwapBytes: -1, cpuQuotaUs: -1 });
  });

  it.each([
    ['0.25', 1024],
    ['1', 1024],
    ['2.5', 2560],
  ])('a reservation of %s cores gives a container no less than one without: %d shares', (cpus, cpuShares) => {
    expect(container(deploy({}, { cpus }))).toEqual({ cpuShares });
  });

  it('reads deploy.resources', () => {
    const keys = deploy({ cpus: '0.50', memory: '50M', pids: 100 }, { cpus: '0.25', memory: '20M' });
    expect(container(keys)).toEqual({
      nanoCpus: 500_000_000,
      memoryBytes: 52_428_800,
      pidsLimit: 100,
      // Linux weighs a whole core as 1,024, so this is a quarter of one.
      cpuShares: 1024,
      memoryReservationBytes: 20_971_520,
    });
  });

  it('takes 0 as saying nothing', () => {
    const keys = { cpus: '0.000', mem_limit: 0, memswap_limit: 0, pids_limit: 0, cpu_shares: 0, cpu_quota: 0 };
    const container_ = container({ ...keys, ...deploy({ cpus: 0 }) });
    expect(container_).toEqual({});
    expect(Object.keys(container_)).toEqual([]);
  });

  it('lets both forms say the same, and refuses a contradiction', () => {
    expect(container({ mem_limit: '1g', cpus: 0.5, ...deploy({ memory: '1024m', cpus: '0.50' }) })).toEqual({
      memoryBytes: 1_073_741_824,
      nanoCpus: 500_000_000,
    });
    const keys = { mem_limit: '1g', cpus: 1, pids_limit: 5, mem_reservation: '8m', cpu_shares: 2 };
    const both = { ...keys, ...deploy({ memory: '2g', cpus: 2, pids: 6 }, { memory: '9m', cpus: 1 }) };
    expect(complaints(both)).toEqual([
      'CONFLICTING_FIELDS deploy.resources.limits.memory',
      'CONFLICTING_FIELDS deploy.resources.limits.cpus',
      'CONFLICTING_FIELDS deploy.resources.limits.pids',
      'CONFLICTING_FIELDS deploy.resources.reservations.memory',
      'CONFLICTING_FIELDS deploy.resources.reservations.cpus',
    ]);
  });

  it.each([
    [{ cpus: '0.001' }, 'INVALID_VALUE cpus'],
    [{ cpus: -1 }, 'INVALID_VALUE cpus'],
    [{ mem_limit: '1m' }, 'INVALID_VALUE mem_limit'],
    [{ mem_limit: 'much' }, 'INVALID_VALUE mem_limit'],
    [{ memswap_limit: '1g' }, 'INVALID_VALUE memswap_limit'],
    [{ mem_limit: '2g', memswap_limit: '1g' }, 'INVALID_VALUE memswap_limit'],
    [{ mem_limit: '1g', mem_reservation: '2g' }, 'INVALID_VALUE mem_reservation'],
    [deploy({ memory: '1g' }, { memory: '2g' }), 'INVALID_VALUE deploy'],
    [{ mem_swappiness: 101 }, 'INVALID_VALUE mem_swappiness'],
    [{ cpu_period: 10 }, 'INVALID_VALUE cpu_period'],
    [{ cpus: 1, cpu_quota: 1000 }, 'CONFLICTING_FIELDS cpu_quota'],
    [{ cpuset: 'all' }, 'INVALID_VALUE cpuset'],
    [{ pids_limit: -2 }, 'INVALID_VALUE pids_limit'],
    [{ blkio_config: { weight: 5 } }, 'INVALID_VALUE blkio_config.weight'],
    [
      { blkio_config: { device_read_bps: [{ path: '/dev/sda', rate: 1 }] } },
      'UNSUPPORTED_FIELD blkio_config.device_read_bps',
    ],
    [{ blkio_config: { weight_device: [{}] } }, 'UNSUPPORTED_FIELD blkio_config.weight_device'],
    [{ oom_score_adj: 1001 }, 'INVALID_VALUE oom_score_adj'],
    [deploy({ memori: '1g' }), 'UNKNOWN_FIELD deploy.resources.limits.memori'],
    [deploy({}, { devices: [{ capabilities: ['gpu'] }] }), 'UNSUPPORTED_FIELD deploy.resources.reservations.devices'],
    [deploy({}, { generic_resources: [{}] }), 'UNSUPPORTED_FIELD deploy.resources.reservations.generic_resources'],
    [deploy({}, { pids: 5 }), 'UNSUPPORTED_FIELD deploy.resources.reservations.pids'],
  ])('refuses %j', (keys, expected) => expect(complaints(keys)).toEqual([expected]));

  it('names the way out', () => {
    expect(complaint(deploy({}, { devices: [{ capabilities: ['gpu'] }] }))).toBe(
      '"devices" is not supported: list them by their paths under "devices" of the service itself',
    );
  });
});
