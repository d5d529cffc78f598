/** Limits of a Compose service, in the service's own keys and under `deploy.resources`; both may say the same thing. */

import { CORES, MIN_MEMORY_BYTES } from '../../../spec/limits.ts';
import type { ContainerSpec } from '../../../spec/spec.ts';
import type { Fields } from '../../fields.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { compact, keySpot, readKeys, refuseKeys } from '../keys.ts';
import { misread, readBytes, readFlag, readInteger, readNumber, toText } from '../scalars.ts';
import { type Pattern, readMatching } from './process.ts';

export const RESOURCE_WORDS = [
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

/** What the kernel gives a container without `cpu_shares`, and what a whole reserved core is worth. */
const SHARES_PER_CORE = 1_024;
const MAX_SHARES = 262_144;
const CPUSET: Pattern = { form: /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/, expected: 'processors such as 0-3 or 0,2' };

const RESERVATION_REFUSALS = {
  devices: 'list them by their paths under "devices" of the service itself',
  generic_resources: 'mark the hosts with labels and use "placement" constraints on node.labels',
  pids: 'a number of processes can only be limited: use "limits"',
};

/** `resources` is the value of `deploy.resources`. */
export function readResources(report: Report, service: Fields, resources: Value | undefined): Partial<ContainerSpec> {
  const parts = readKeys(report, resources, ['limits', 'reservations'], 'resources {limits, reservations}');
  const limits = readKeys(report, parts?.get('limits'), ['cpus', 'memory', 'pids'], 'limits {cpus, memory, pids}');
  const words = ['cpus', 'memory', ...Object.keys(RESERVATION_REFUSALS)];
  const reservations = readKeys(report, parts?.get('reservations'), words, 'reservations {cpus, memory}');
  if (reservations) refuseKeys(report, reservations, RESERVATION_REFUSALS);

  const both = createPairReader(report, service);
  const memory = { min: MIN_MEMORY_BYTES };
  const spec = {
    nanoCpus: both('cpus', limits, 'cpus', (value) => readNanoCpus(report, value)),
    memoryBytes: both('mem_limit', limits, 'memory', (value) => readLimit(report, value, memory)),
    pidsLimit: both('pids_limit', limits, 'pids', (value) => readCount(report, value, -1)),
    memoryReservationBytes: both('mem_reservation', reservations, 'memory', (value) =>
      readLimit(report, value, memory),
    ),
    cpuShares: both(
      'cpu_shares',
      reservations,
      'cpus',
      (value) => readCount(report, value, 2, MAX_SHARES),
      (value) => readReservedCores(report, value),
    ),
    ...readOwnLimits(report, service),
  };
  checkResources(report, service, spec);
  return compact(spec);
}

type Reader = (value: Value | undefined) => number | undefined;

/** Reads what a key of the service and one under `deploy.resources` both can say; they must not say different things. */
function createPairReader(report: Report, service: Fields) {
  return (word: string, part: Fields | undefined, partWord: string, read: Reader, readPart = read) => {
    const own = read(service.get(word));
    const deployed = readPart(part?.get(partWord));
    if (part && own !== undefined && deployed !== undefined && own !== deployed) {
      const message = `expected this to be the same as the service's ${quote(word)}, or only one of them`;
      report('CONFLICTING_FIELDS', keySpot(part, partWord), message);
    }
    return deployed ?? own;
  };
}

/** 0 means no limit. */
function readNanoCpus(report: Report, value: Value | undefined): number | undefined {
  const cores = readNumber(report, value, { min: 0, max: CORES.max });
  if (value === undefined || cores === undefined || cores === 0) return undefined;
  if (cores < CORES.min) return misread(report, value, `a number of cores from ${CORES.min}, or 0 for no limit`);
  return Math.round(cores * 1e9);
}

/**
 * An engine cannot set cores aside. A weight comes nearest: under load a container gets at least its cores, as long as
 * no more than the host has are reserved on it.
 */
function readReservedCores(report: Report, value: Value | undefined): number | undefined {
  const nanoCpus = readNanoCpus(report, value);
  if (nanoCpus === undefined) return undefined;
  return Math.min(MAX_SHARES, Math.round((nanoCpus / 1e9) * SHARES_PER_CORE));
}

/** Bytes; 0 means no limit. */
function readLimit(report: Report, value: Value | undefined, { min }: { min: number }): number | undefined {
  const bytes = readBytes(report, value);
  if (value === undefined || bytes === undefined || bytes === 0) return undefined;
  return bytes >= min ? bytes : misread(report, value, `at least ${min} bytes, or 0 for no limit`);
}

/** 0 says as much as leaving the key out. */
function readCount(report: Report, value: Value | undefined, min: number, max?: number): number | undefined {
  const count = readInteger(report, value, { min: Math.min(min, 0), ...(max === undefined ? {} : { max }) });
  if (value === undefined || count === undefined || count === 0) return undefined;
  return count >= min ? count : misread(report, value, `a whole number from ${min}, or 0 for the default`);
}

function readOwnLimits(report: Report, service: Fields): Partial<ContainerSpec> {
  const get = (word: string) => service.get(word);
  return {
    memorySwapBytes: readSwap(report, get('memswap_limit')),
    memorySwappiness: readInteger(report, get('mem_swappiness'), { min: 0, max: 100 }),
    cpuPeriodUs: readCount(report, get('cpu_period'), 1_000, 1_000_000),
    cpuQuotaUs: isMinusOne(get('cpu_quota')) ? -1 : readCount(report, get('cpu_quota'), 1_000),
    cpuset: readMatching(report, get('cpuset'), CPUSET),
    blkioWeight: readBlockWeight(report, get('blkio_config')),
    oomKillDisable: readFlag(report, get('oom_kill_disable')),
    oomScoreAdjust: readInteger(report, get('oom_score_adj'), { min: -1_000, max: 1_000 }),
    shmBytes: readLimit(report, get('shm_size'), { min: 1 }),
  };
}

/** Memory and swap together; -1 means as much swap as there is. */
function readSwap(report: Report, value: Value | undefined): number | undefined {
  return isMinusOne(value) ? -1 : readLimit(report, value, { min: MIN_MEMORY_BYTES });
}

function isMinusOne(value: Value | undefined): boolean {
  return value !== undefined && toText(value) === '-1';
}

const BLOCK_REFUSALS = Object.fromEntries(
  ['weight_device', 'device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'].map((word) => [
    word,
    'use "weight", which holds for all devices',
  ]),
);

function readBlockWeight(report: Report, value: Value | undefined): number | undefined {
  const fields = readKeys(report, value, ['weight', ...Object.keys(BLOCK_REFUSALS)], 'a map {weight}');
  if (!fields) return undefined;
  refuseKeys(report, fields, BLOCK_REFUSALS);
  return readCount(report, fields.get('weight'), 10, 1_000);
}

/** What Docker itself would refuse, said before anything is stopped. */
function checkResources(report: Report, service: Fields, spec: Partial<ContainerSpec>): void {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes = 0 } = spec;
  if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && memorySwapBytes < (memoryBytes ?? Infinity)) {
    const message =
      'expected at least the memory limit, which must be given: "memswap_limit" is memory and swap together';
    report('INVALID_VALUE', keySpot(service, 'memswap_limit'), message);
  }
  if (memoryReservationBytes > (memoryBytes ?? Infinity)) {
    const spot = keySpot(service, service.get('mem_reservation') ? 'mem_reservation' : 'deploy');
    report('INVALID_VALUE', spot, `expected a memory reservation of at most the limit, ${memoryBytes} bytes`);
  }
  const fractions = { cpu_period: spec.cpuPeriodUs, cpu_quota: spec.cpuQuotaUs };
  for (const [word, value] of Object.entries(fractions)) {
    if (value === undefined || spec.nanoCpus === undefined) continue;
    report('CONFLICTING_FIELDS', keySpot(service, word), `expected either a limit of cpus or ${quote(word)}, not both`);
  }
}
