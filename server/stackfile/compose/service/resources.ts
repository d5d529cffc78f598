/** Limits of a Compose service, in the service's own keys and under `deploy.resources`; both may say the same thing. */

import { CORES, MIN_MEMORY_BYTES } from '../../../spec/limits.ts';
import type { ContainerSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import { compact } from '../compact.ts';
import { type ComposeFields, type ComposeReader, type Pattern, refuseKeys } from '../reader.ts';

export const RESOURCE_KEYS = [
  'blkio_config',
  'cpu_period',
  'cpu_quota',
  'cpu_shares',
  'cpus',
  'cpuset',
  'mem_limit',
  'mem_reservation',
  'mem_swappiness',
  'memswap_limit',
  'oom_kill_disable',
  'oom_score_adj',
  'pids_limit',
  'shm_size',
];

/** The kernel gives this to a container without `cpu_shares`, so a whole reserved core is worth as much. */
const SHARES_PER_CORE = 1_024;
const MAX_SHARES = 262_144;
const CPUSET: Pattern = { form: /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/, expected: 'processors such as 0-3 or 0,2' };

const RESERVATIONS_REFUSED = {
  devices: 'list them by their paths under "devices" of the service itself',
  generic_resources: 'mark the hosts with labels and use "placement" constraints on node.labels',
  pids: 'a number of processes can only be limited: use "limits"',
};

/** `resources` is the value of `deploy.resources`. */
export function readResources(service: ComposeFields, resources: ComposeReader): Partial<ContainerSpec> {
  const parts = readPart(resources, ['limits', 'reservations'], 'resources {limits, reservations}');
  const limits = readPart(parts.get('limits'), ['cpus', 'memory', 'pids'], 'limits {cpus, memory, pids}');
  const keys = ['cpus', 'memory', ...Object.keys(RESERVATIONS_REFUSED)];
  const reservations = readPart(parts.get('reservations'), keys, 'reservations {cpus, memory}');
  refuseKeys(reservations, RESERVATIONS_REFUSED);
  const spec = {
    nanoCpus: readBoth([service, 'cpus'], [limits, 'cpus'], readNanoCpus),
    memoryBytes: readBoth([service, 'mem_limit'], [limits, 'memory'], readMemory),
    pidsLimit: readBoth([service, 'pids_limit'], [limits, 'pids'], (value) => readCount(value, { min: -1 })),
    memoryReservationBytes: readBoth([service, 'mem_reservation'], [reservations, 'memory'], readMemory),
    cpuShares: readBoth([service, 'cpu_shares'], [reservations, 'cpus'], readShares, readReservedCores),
    ...readOwnLimits(service),
  };
  checkResources(service, spec);
  return compact(spec);
}

function readPart(value: ComposeReader, keys: readonly string[], expected: string): ComposeFields {
  return value.map(keys, expected) ?? value.emptyFields();
}

type KeyOf = [fields: ComposeFields, key: string];
type ReadNumber = (value: ComposeReader) => number | undefined;

/** Reads what a key of the service and one under `deploy.resources` both can say; they must not say different things. */
function readBoth(own: KeyOf, deployed: KeyOf, read: ReadNumber, readDeployed = read): number | undefined {
  const [service, key] = own;
  const [part, partKey] = deployed;
  const ownLimit = read(service.get(key));
  const deployedLimit = readDeployed(part.get(partKey));
  if (ownLimit !== undefined && deployedLimit !== undefined && ownLimit !== deployedLimit) {
    const message = `expected this to be the same as the service's ${quote(key)}, or only one of them`;
    part.keyOf(partKey).report('CONFLICTING_FIELDS', message);
  }
  return deployedLimit ?? ownLimit;
}

/** 0 means no limit. */
function readNanoCpus(value: ComposeReader): number | undefined {
  const cores = value.number({ min: 0, max: CORES.max });
  if (cores === undefined || cores === 0) return undefined;
  if (cores < CORES.min) return value.misread(`a number of cores from ${CORES.min}, or 0 for no limit`);
  return Math.round(cores * 1e9);
}

/**
 * An engine cannot set cores aside. A weight comes nearest: under load a container gets at least its cores, as long as
 * no more than the host has are reserved on it. A small reservation takes nothing away from what every container has.
 */
function readReservedCores(value: ComposeReader): number | undefined {
  const nanoCpus = readNanoCpus(value);
  if (nanoCpus === undefined) return undefined;
  const shares = Math.round((nanoCpus / 1e9) * SHARES_PER_CORE);
  return Math.min(MAX_SHARES, Math.max(SHARES_PER_CORE, shares));
}

function readShares(value: ComposeReader): number | undefined {
  return readCount(value, { min: 2, max: MAX_SHARES });
}

function readMemory(value: ComposeReader): number | undefined {
  return readSize(value, MIN_MEMORY_BYTES);
}

/** Reads bytes; 0 means no limit. */
function readSize(value: ComposeReader, min: number): number | undefined {
  const bytes = value.bytes();
  if (bytes === undefined || bytes === 0) return undefined;
  return bytes >= min ? bytes : value.misread(`at least ${min} bytes, or 0 for no limit`);
}

/** 0 says as much as leaving the key out. */
function readCount(value: ComposeReader, { min, max }: { min: number; max?: number }): number | undefined {
  const count = value.integer({ min: Math.min(min, 0), ...(max === undefined ? {} : { max }) });
  if (count === undefined || count === 0) return undefined;
  return count >= min ? count : value.misread(`a whole number from ${min}, or 0 for the default`);
}

function readOwnLimits(service: ComposeFields): Partial<ContainerSpec> {
  const quota = service.get('cpu_quota');
  return {
    memorySwapBytes: readSwap(service.get('memswap_limit')),
    memorySwappiness: service.get('mem_swappiness').integer({ min: 0, max: 100 }),
    cpuPeriodUs: readCount(service.get('cpu_period'), { min: 1_000, max: 1_000_000 }),
    cpuQuotaUs: quota.written === '-1' ? -1 : readCount(quota, { min: 1_000 }),
    cpuset: service.get('cpuset').matching(CPUSET),
    blkioWeight: readBlockWeight(service.get('blkio_config')),
    oomKillDisable: service.get('oom_kill_disable').flag(),
    oomScoreAdjust: service.get('oom_score_adj').integer({ min: -1_000, max: 1_000 }),
    shmBytes: readSize(service.get('shm_size'), 1),
  };
}

/** Reads memory and swap together; -1 means as much swap as there is. */
function readSwap(value: ComposeReader): number | undefined {
  return value.written === '-1' ? -1 : readMemory(value);
}

const BLOCK_IO_REFUSED = Object.fromEntries(
  ['weight_device', 'device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'].map((key) => [
    key,
    'use "weight", which holds for all devices',
  ]),
);

function readBlockWeight(value: ComposeReader): number | undefined {
  const fields = value.map(['weight', ...Object.keys(BLOCK_IO_REFUSED)], 'a map {weight}');
  if (!fields) return undefined;
  refuseKeys(fields, BLOCK_IO_REFUSED);
  return readCount(fields.get('weight'), { min: 10, max: 1_000 });
}

/** Reports what Docker itself would refuse, before anything is stopped. */
function checkResources(service: ComposeFields, spec: Partial<ContainerSpec>): void {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes = 0 } = spec;
  if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && memorySwapBytes < (memoryBytes ?? Infinity)) {
    const message =
      'expected at least the memory limit, which must be given: "memswap_limit" is memory and swap together';
    service.keyOf('memswap_limit').report('INVALID_VALUE', message);
  }
  if (memoryReservationBytes > (memoryBytes ?? Infinity)) {
    const place = service.keyOf(service.has('mem_reservation') ? 'mem_reservation' : 'deploy');
    place.report('INVALID_VALUE', `expected a memory reservation of at most the limit, ${memoryBytes} bytes`);
  }
  const fractions = { cpu_period: spec.cpuPeriodUs, cpu_quota: spec.cpuQuotaUs };
  for (const [key, value] of Object.entries(fractions)) {
    if (value === undefined || spec.nanoCpus === undefined) continue;
    const message = `expected either a limit of cpus or ${quote(key)}, not both`;
    service.keyOf(key).report('CONFLICTING_FIELDS', message);
  }
}
