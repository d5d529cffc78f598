/** One container of a JSON-LD stack file, by itself; what holds between containers is in `consistency.ts`. */

import { CORES, MAX_RETRIES, MIN_MEMORY_BYTES } from '../../spec/limits.ts';
import type { HealthCheckSpec, RestartSpec } from '../../spec/spec.ts';
import { toMs } from '../duration.ts';
import { findContainerNameProblem, findImageProblem, findResourceNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import type { Name, Place } from '../reader.ts';
import { splitCommand, toBytes, toCores, toRestart } from '../values.ts';
import { type ParsedNetwork, readNetwork } from './network.ts';
import { readEnvironment, readLabels } from './pairs.ts';
import { type JsonldReader, withoutPrefix } from './reader.ts';
import { MOUNT_KEYS, type ParsedMount, type ParsedPort, PORT_KEYS, readMounts, readPorts } from './storage.ts';

const ENVIRONMENT_KEYS = ['environmentVariable', 'environment'];
const HEALTH_KEYS = ['healthCheck', 'healthcheck'];
const TEST_KEYS = ['command', 'test'];
const KEYS = [
  'image',
  'locatedInHost',
  ...PORT_KEYS,
  ...ENVIRONMENT_KEYS,
  ...MOUNT_KEYS,
  'command',
  'args',
  'workingDir',
  'user',
  'restartPolicy',
  'dependsOn',
  'resources',
  ...HEALTH_KEYS,
  'labels',
  'network',
];
const MAX_SECONDS = 86_400;

/** Names of volumes and networks do not have the stack's name in front yet. */
export type ParsedContainer = {
  id: Name | undefined;
  name: Name | undefined;
  host: string | undefined;
  /** Where `locatedInHost` would be. */
  hostPlace: Place;
  dependsOn: Name[];
  network: ParsedNetwork | undefined;
  ports: ParsedPort[];
  mounts: ParsedMount[];
  image: string;
  /** With the arguments behind it. */
  command: string[] | null;
  workingDir: string | undefined;
  user: string | undefined;
  environment: Record<string, string>;
  labels: Record<string, string>;
  restart: RestartSpec;
  nanoCpus: number | null;
  memoryBytes: number | null;
  healthCheck: HealthCheckSpec | null;
};

export function readContainer(value: JsonldReader): ParsedContainer | undefined {
  const fields = value.node('container', KEYS, 'a container {name, image, ...}');
  if (!fields) return undefined;
  const environment = fields.oneOf(ENVIRONMENT_KEYS);
  return {
    id: fields.get('@id').name,
    name: readContainerName(fields.required('name', "the container's name")),
    host: readHost(fields.get('locatedInHost')),
    hostPlace: fields.missing('locatedInHost'),
    dependsOn: readDependencies(fields.get('dependsOn')),
    network: readNetwork(fields.get('network')),
    ports: readPorts(fields),
    mounts: readMounts(fields),
    image: readImage(fields.required('image', 'an image such as nginx:alpine')),
    command: joined(readCommand(fields.get('command')), readArguments(fields.get('args'))),
    workingDir: readWorkingDir(fields.get('workingDir')),
    user: fields.get('user').filled('a user such as 1000:1000'),
    environment: environment ? readEnvironment(environment.value, environment.key === 'environment') : {},
    labels: readLabels(fields.get('labels')),
    restart: readRestart(fields.get('restartPolicy')),
    ...readResources(fields.get('resources')),
    healthCheck: readHealthCheck(fields.oneOf(HEALTH_KEYS)?.value ?? fields.get('healthCheck')),
  };
}

export function readHost(value: JsonldReader): string | undefined {
  const host = value.reference('host', 'the name of a host, or {"@id": name}');
  if (!host) return undefined;
  const name = toHostName(host.text);
  host.place.checkName(name, findResourceNameProblem);
  return name;
}

/** A host may be given as a URL, whose last part is its name. */
export const toHostName = (id: string): string =>
  withoutPrefix(id, 'host:').replace(/^https?:\/\/.*[/#](?=[^/#]+$)/, '');

function readContainerName(value: JsonldReader): Name | undefined {
  const { name } = value;
  if (name) value.checkName(name.text, findContainerNameProblem);
  return name;
}

function readImage(value: JsonldReader): string {
  const image = value.string();
  const problem = image === undefined ? undefined : findImageProblem(image);
  if (problem) value.report('INVALID_IMAGE', `${problem}, found ${quote(image ?? '')}`);
  return image ?? '';
}

function readCommand(value: JsonldReader): string[] | null {
  if (value.kind !== 'string' && value.kind !== 'list') return value.wrongType('a list of words or one string') ?? null;
  const line = value.stringOrNone;
  const words = line === undefined ? value.strings() : splitCommand(line);
  if (words === undefined && line !== undefined) {
    const hint = 'closed quotes and no shell operators outside them (for a shell: ["sh", "-c", line])';
    value.report('INVALID_VALUE', `expected a command line with ${hint}`);
  }
  if (words && !words[0]) {
    value.report('INVALID_VALUE', "expected a program; leave it out for the image's own command");
  }
  return words ?? null;
}

function readArguments(value: JsonldReader): string[] | null {
  if (value.isAbsent) return null;
  return (value.kind === 'list' ? value.strings() : value.wrongType('a list of words')) ?? null;
}

const joined = (command: string[] | null, args: string[] | null): string[] | null =>
  command || args ? [...(command ?? []), ...(args ?? [])] : null;

function readWorkingDir(value: JsonldReader): string | undefined {
  const path = value.string();
  if (path !== undefined && !path.startsWith('/')) value.misread('an absolute path in the container');
  return path;
}

function readRestart(value: JsonldReader): RestartSpec {
  const text = value.string();
  const restart = text === undefined ? undefined : toRestart(text);
  if (text !== undefined && !restart) value.misread('no, always, unless-stopped, on-failure or on-failure:<retries>');
  return restart ?? { name: 'no', maximumRetryCount: 0 };
}

function readDependencies(value: JsonldReader): Name[] {
  const expected = 'the name of a container, or {"@id": "container:name"}';
  const items = value.kind === 'string' ? [value] : value.itemsOrOne(`a list: ${expected}`);
  return items.flatMap((item) => item.reference('container', expected) ?? []);
}

function readResources(value: JsonldReader): Pick<ParsedContainer, 'nanoCpus' | 'memoryBytes'> {
  const fields = value.node('resources', ['cpu', 'memory'], 'resources {cpu, memory}');
  const cores = fields && readCores(fields.get('cpu'));
  return {
    nanoCpus: cores === undefined ? null : Math.round(cores * 1e9),
    memoryBytes: (fields && readMemory(fields.get('memory'))) ?? null,
  };
}

function readCores(value: JsonldReader): number | undefined {
  const text = value.stringOrNone;
  if (text === undefined) return value.number(CORES);
  const cores = toCores(text);
  if (cores !== undefined && cores >= CORES.min && cores <= CORES.max) return cores;
  return value.misread(`a number of cores such as 0.5, from ${CORES.min} to ${CORES.max}`);
}

function readMemory(value: JsonldReader): number | undefined {
  const range = { min: MIN_MEMORY_BYTES, max: Number.MAX_SAFE_INTEGER, integer: true };
  const text = value.stringOrNone;
  if (text === undefined) return value.number(range);
  const bytes = toBytes(text);
  if (bytes !== undefined && bytes >= range.min && bytes <= range.max) return bytes;
  return value.misread('bytes or a size such as 512m or 1gb, at least 6m');
}

function readHealthCheck(value: JsonldReader): HealthCheckSpec | null {
  const keys = [...TEST_KEYS, 'interval', 'timeout', 'retries', 'startPeriod'];
  const fields = value.node('healthCheck', keys, 'a health check {command, interval, ...}');
  if (!fields) return null;
  const ms = (key: string, min: number, otherwise: number) =>
    Math.round((readSeconds(fields.get(key), min) ?? otherwise) * 1000);
  const test = fields.oneOf(TEST_KEYS)?.value;
  return {
    test: readTest(test ?? fields.required('command', 'the command that tells whether it is healthy')),
    intervalMs: ms('interval', 0.001, 30),
    timeoutMs: ms('timeout', 0.001, 30),
    retries: fields.get('retries').number({ min: 1, max: MAX_RETRIES, integer: true }) ?? 3,
    startPeriodMs: ms('startPeriod', 0, 0),
  };
}

/** A number of seconds, or a text with its unit. */
function readSeconds(value: JsonldReader, min: number): number | undefined {
  const text = value.stringOrNone;
  if (text === undefined) return value.number({ min, max: MAX_SECONDS });
  const seconds = (toMs(text) ?? Number.NaN) / 1_000;
  if (seconds >= min && seconds <= MAX_SECONDS) return seconds;
  return value.misread(`seconds, or a duration with its unit such as 500ms or 30s, from ${min} s to ${MAX_SECONDS} s`);
}

function readTest(value: JsonldReader): string[] {
  const line = value.stringOrNone;
  if (line !== undefined) {
    if (line.trim() === '') value.report('INVALID_VALUE', 'expected a command line, found none');
    return ['CMD-SHELL', line];
  }
  if (value.kind !== 'list') return value.wrongType('one string or a list of words') ?? [];
  const words = value.strings();
  if (!words) return [];
  const [first, second] = words;
  const isShell = first === 'CMD-SHELL';
  const program = isShell || first === 'CMD' ? second : first;
  if (!program || first === 'NONE' || (isShell && words.length !== 2)) {
    value.report('INVALID_VALUE', 'expected [program, ...], ["CMD", program, ...] or ["CMD-SHELL", line]');
  }
  return isShell || first === 'CMD' ? words : ['CMD', ...words];
}
