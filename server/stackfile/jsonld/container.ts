/** One container of a JSON-LD stack file, by itself; what holds between containers is in `consistency.ts`. */

import { CORES, MAX_RETRIES, MIN_MEMORY_BYTES } from '../../spec/limits.ts';
import type { HealthCheckSpec, MountSpec, RestartSpec } from '../../spec/spec.ts';
import { type Fields, oneOf, readItems, readNumber, readString, readStrings, required, wrongType } from '../fields.ts';
import { findContainerNameProblem, findImageProblem, findResourceNameProblem } from '../names.ts';
import { quote, type Report, type Spot, type StringValue, type Value } from '../text.ts';
import { splitCommand, toBytes, toCores, toRestart } from '../values.ts';
import { type NetworkDraft, readNetwork } from './network.ts';
import { readEnvironment, readLabels } from './pairs.ts';
import { MOUNT_WORDS, PORT_WORDS, type PortDraft, readMounts, readPorts } from './storage.ts';
import { readNode, readReference, withoutPrefix } from './vocabulary.ts';

const ENVIRONMENT_WORDS = ['environmentVariable', 'environment'];
const WORDS = [
  'image',
  'locatedInHost',
  ...PORT_WORDS,
  ...ENVIRONMENT_WORDS,
  ...MOUNT_WORDS,
  'command',
  'restartPolicy',
  'dependsOn',
  'resources',
  'healthCheck',
  'labels',
  'network',
];
const MAX_SECONDS = 86_400;

/** What the file says about a container; names of volumes and networks still without the stack's in front. */
export type ContainerDraft = {
  spot: Spot;
  id: StringValue | undefined;
  name: StringValue | undefined;
  host: string | undefined;
  dependsOn: StringValue[];
  network: NetworkDraft | undefined;
  ports: PortDraft[];
  mounts: MountSpec[];
  image: string;
  command: string[] | null;
  environment: Record<string, string>;
  labels: Record<string, string>;
  restart: RestartSpec;
  nanoCpus: number | null;
  memoryBytes: number | null;
  healthCheck: HealthCheckSpec | null;
};

export function readContainer(report: Report, value: Value): ContainerDraft | undefined {
  const fields = readNode(report, value, 'container', WORDS, 'a container {name, image, ...}');
  if (!fields) return undefined;
  const id = fields.get('@id');
  const environment = oneOf(report, fields, ENVIRONMENT_WORDS);
  const restart = readString(report, fields.get('restartPolicy'));
  return {
    spot: value,
    id: id?.kind === 'string' ? id : undefined,
    name: readContainerName(report, fields),
    host: readHost(report, fields.get('locatedInHost')),
    dependsOn: readDependencies(report, fields.get('dependsOn')),
    network: readNetwork(report, fields.get('network')),
    ports: readPorts(report, fields),
    mounts: readMounts(report, fields),
    image: readImage(report, fields),
    command: readCommand(report, fields.get('command')),
    environment: readEnvironment(report, environment?.value, environment?.key === 'environment'),
    labels: readLabels(report, fields.get('labels')),
    restart: readRestart(report, restart),
    ...readResources(report, fields.get('resources')),
    healthCheck: readHealthCheck(report, fields.get('healthCheck')),
  };
}

export function readHost(report: Report, value: Value | undefined): string | undefined {
  const host = value && readReference(report, value, 'host', 'the name of a host, or {"@id": name}');
  if (!host) return undefined;
  const name = withoutPrefix(host.text, 'host:');
  const problem = findResourceNameProblem(name);
  if (problem) report('INVALID_NAME', host, `${problem}, found ${quote(name)}`);
  return name;
}

function readContainerName(report: Report, fields: Fields): StringValue | undefined {
  const name = required(report, fields, 'name', "the container's name");
  if (name?.kind !== 'string') return undefined;
  const problem = findContainerNameProblem(name.text);
  if (problem) report('INVALID_NAME', name, `${problem}, found ${quote(name.text)}`);
  return name;
}

function readImage(report: Report, fields: Fields): string {
  const image = readString(report, required(report, fields, 'image', 'an image such as nginx:alpine'));
  const problem = image && findImageProblem(image.text);
  if (problem) report('INVALID_IMAGE', image, `${problem}, found ${quote(image.text)}`);
  return image?.text ?? '';
}

function readCommand(report: Report, value: Value | undefined): string[] | null {
  if (!value) return null;
  if (value.kind !== 'string' && value.kind !== 'list') {
    wrongType(report, value, 'a list of words or one string');
    return null;
  }
  const words = value.kind === 'string' ? splitCommand(value.text) : readStrings(report, value);
  if (words === undefined && value.kind === 'string') {
    const hint = 'closed quotes and no shell operators outside them (for a shell: ["sh", "-c", line])';
    report('INVALID_VALUE', value, `expected a command line with ${hint}`);
  }
  if (words && !words[0])
    report('INVALID_VALUE', value, "expected a program; leave it out for the image's own command");
  return words ?? null;
}

function readRestart(report: Report, value: StringValue | undefined): RestartSpec {
  const restart = value ? toRestart(value.text) : undefined;
  if (value && !restart) {
    const expected = 'expected no, always, unless-stopped, on-failure or on-failure:<retries>';
    report('INVALID_VALUE', value, `${expected}, found ${quote(value.text)}`);
  }
  return restart ?? { name: 'no', maximumRetryCount: 0 };
}

function readDependencies(report: Report, value: Value | undefined): StringValue[] {
  const expected = 'the name of a container, or {"@id": "container:name"}';
  const items = value?.kind === 'string' ? [value] : readItems(report, value, `a list: ${expected}`);
  return items.flatMap((item) => readReference(report, item, 'container', expected) ?? []);
}

function readResources(report: Report, value: Value | undefined) {
  const fields = value && readNode(report, value, 'resources', ['cpu', 'memory'], 'resources {cpu, memory}');
  const cores = fields && readCores(report, fields.get('cpu'));
  return {
    nanoCpus: cores === undefined ? null : Math.round(cores * 1e9),
    memoryBytes: (fields && readMemory(report, fields.get('memory'))) ?? null,
  };
}

function readCores(report: Report, value: Value | undefined): number | undefined {
  if (value?.kind !== 'string') return readNumber(report, value, CORES);
  const cores = toCores(value.text);
  if (cores !== undefined && cores >= CORES.min && cores <= CORES.max) return cores;
  const expected = `a number of cores such as 0.5, from ${CORES.min} to ${CORES.max}`;
  report('INVALID_VALUE', value, `expected ${expected}, found ${quote(value.text)}`);
  return undefined;
}

function readMemory(report: Report, value: Value | undefined): number | undefined {
  const range = { min: MIN_MEMORY_BYTES, max: Number.MAX_SAFE_INTEGER, integer: true };
  if (value?.kind !== 'string') return readNumber(report, value, range);
  const bytes = toBytes(value.text);
  if (bytes !== undefined && bytes >= range.min && bytes <= range.max) return bytes;
  report(
    'INVALID_VALUE',
    value,
    `expected bytes or a size such as 512m or 1gb, at least 6m, found ${quote(value.text)}`,
  );
  return undefined;
}

function readHealthCheck(report: Report, value: Value | undefined): HealthCheckSpec | null {
  const words = ['command', 'interval', 'timeout', 'retries', 'startPeriod'];
  const fields = value && readNode(report, value, 'healthCheck', words, 'a health check {command, interval, ...}');
  if (!fields) return null;
  const seconds = (word: string, min: number) => readNumber(report, fields.get(word), { min, max: MAX_SECONDS });
  return {
    test: readTest(report, required(report, fields, 'command', 'the command that tells whether it is healthy')),
    intervalMs: Math.round((seconds('interval', 0.001) ?? 30) * 1000),
    timeoutMs: Math.round((seconds('timeout', 0.001) ?? 30) * 1000),
    retries: readNumber(report, fields.get('retries'), { min: 1, max: MAX_RETRIES, integer: true }) ?? 3,
    startPeriodMs: Math.round((seconds('startPeriod', 0) ?? 0) * 1000),
  };
}

function readTest(report: Report, value: Value | undefined): string[] {
  if (!value) return [];
  if (value.kind === 'string') {
    if (value.text.trim() === '') report('INVALID_VALUE', value, 'expected a command line, found none');
    return ['CMD-SHELL', value.text];
  }
  if (value.kind !== 'list') return wrongType(report, value, 'one string or a list of words') ?? [];
  const words = readStrings(report, value);
  if (!words) return [];
  const [first, second] = words;
  const isShell = first === 'CMD-SHELL';
  const program = isShell || first === 'CMD' ? second : first;
  if (!program || first === 'NONE' || (isShell && words.length !== 2)) {
    report('INVALID_VALUE', value, 'expected [program, ...], ["CMD", program, ...] or ["CMD-SHELL", line]');
  }
  return isShell || first === 'CMD' ? words : ['CMD', ...words];
}
