/**
 * One service of a Compose file, by itself: every key but those of networks, storage, configs and secrets, which need
 * the top level of the file. What the file does not say is absent from `container`. Facts are from the Compose
 * Specification (github.com/compose-spec/compose-spec, 05-services.md and deploy.md) and its JSON schema.
 */

import type { ContainerSpec, ServiceSpec } from '../../../spec/spec.ts';
import { type Fields, required, wrongType } from '../../fields.ts';
import { findContainerNameProblem, findImageProblem } from '../../names.ts';
import { quote, type Report, type StringValue, type Value } from '../../text.ts';
import { compact, keySpot, orAbsent, refuse, refuseKeys } from '../keys.ts';
import { readFlag, readText, toText } from '../scalars.ts';
import { type DependencyDraft, readDependencies } from './depends.ts';
import { type DeployDraft, readDeploy } from './deploy.ts';
import { readHealthCheck, readRestart } from './health.ts';
import { HOST_WORDS, readHostOptions } from './host.ts';
import { NAME_WORDS, readNameResolution } from './name-resolution.ts';
import { type PublishedPortDraft, readExpose, readPorts } from './ports.ts';
import { PROCESS_WORDS, readProcess } from './process.ts';
import { REFUSED } from './refused.ts';
import { RESOURCE_WORDS, readResources } from './resources.ts';

/** Every key of a service that is understood or refused by name here. */
export const OPTION_WORDS: readonly string[] = [
  'image',
  'container_name',
  'depends_on',
  'deploy',
  'expose',
  'healthcheck',
  'ports',
  'profiles',
  'restart',
  'scale',
  'attach',
  ...PROCESS_WORDS,
  ...NAME_WORDS,
  ...HOST_WORDS,
  ...RESOURCE_WORDS,
  ...Object.keys(REFUSED),
];

export type ServiceOptions = {
  image: string;
  containerName: StringValue | undefined;
  container: Partial<ContainerSpec>;
  /** Ranges are expanded. */
  ports: PublishedPortDraft[];
  dependsOn: DependencyDraft[];
  profiles: string[];
} & Pick<ServiceSpec, 'replicas' | 'global' | 'constraints' | 'spread' | 'maxReplicasPerNode' | 'update' | 'rollback'>;

export function readServiceOptions(
  report: Report,
  service: Fields,
  name: string,
  { variables }: { variables: ReadonlyMap<string, string> },
): ServiceOptions {
  refuseKeys(report, service, REFUSED);
  // It only says what `docker compose up` prints on its terminal.
  readFlag(report, service.get('attach'));
  const { labels, restart, resources, ...placed } = readDeploy(report, service);
  const ports = readPorts(report, service.get('ports'));
  checkOrder(report, service, placed, ports);
  const own = readProcess(report, service, variables);
  const ownRestart = readRestart(report, service.get('restart'));
  return {
    image: readImage(report, service, name),
    containerName: readContainerName(report, service.get('container_name')),
    container: compact({
      ...own,
      // The specification keeps these for the service, which nothing outside Graphium can look at.
      labels: orAbsent({ ...labels, ...own.labels }),
      ...readNameResolution(report, service),
      ...readHostOptions(report, service),
      ...readResources(report, service, resources),
      expose: orAbsent(readExpose(report, service.get('expose'))),
      healthCheck: readHealthCheck(report, service.get('healthcheck')),
      restart: restart ?? ownRestart,
    }),
    ports,
    dependsOn: readDependencies(report, service.get('depends_on')),
    profiles: readProfiles(report, service.get('profiles')),
    ...placed,
  };
}

/** A service that cannot be had from an image is refused for that alone. */
function readImage(report: Report, service: Fields, name: string): string {
  if (!service.get('image') && (service.get('build') || service.get('provider'))) return '';
  const expected = `an image such as nginx:alpine for the service ${quote(name)}`;
  const value = required(report, service, 'image', expected);
  const image = readText(report, value, expected);
  const problem = image === undefined ? undefined : findImageProblem(image);
  if (value && problem) report('INVALID_IMAGE', value, `${problem}, found ${quote(image ?? '')}`);
  return image ?? '';
}

function readContainerName(report: Report, value: Value | undefined): StringValue | undefined {
  const text = readText(report, value, 'a name');
  if (value === undefined || text === undefined) return undefined;
  const problem = findContainerNameProblem(text);
  if (problem) report('INVALID_NAME', value, `${problem}, found ${quote(text)}`);
  return { kind: 'string', text, path: value.path, offset: value.offset };
}

function readProfiles(report: Report, value: Value | undefined): string[] {
  if (value === undefined) return [];
  if (value.kind !== 'list') return wrongType(report, value, 'a list of names') ?? [];
  return value.items.flatMap((item) => {
    const text = toText(item);
    if (text === undefined) return wrongType(report, item, 'a name') ?? [];
    const expected = 'letters, digits, "_", "." and "-", starting with a letter or digit';
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text))
      report('INVALID_NAME', item, `expected ${expected}, found ${quote(text)}`);
    return text;
  });
}

/** Two containers cannot have one port of a host, so a successor cannot start beside the old one. */
function checkOrder(report: Report, service: Fields, placed: DeployDraft, ports: PublishedPortDraft[]): void {
  const fixed = ports.find(({ hostPort }) => hostPort !== null);
  if (!fixed) return;
  const wayOut = `the new container cannot publish port ${fixed.hostPort} while the old one runs; use stop-first`;
  refuseStartFirst(report, service, placed, 'a published host port', wayOut);
}

export function refuseStartFirst(
  report: Report,
  service: Fields,
  { update, rollback }: Pick<ServiceOptions, 'update' | 'rollback'>,
  withWhat: string,
  wayOut: string,
): void {
  const deploy = service.get('deploy');
  for (const [word, rollout] of [
    ['update_config', update],
    ['rollback_config', rollback],
  ] as const) {
    if (rollout?.order !== 'start-first') continue;
    const config = deploy?.kind === 'object' ? deploy.fields.find((field) => field.key === word)?.value : undefined;
    const order = config?.kind === 'object' ? config.fields.find((field) => field.key === 'order') : undefined;
    refuse(report, order ?? keySpot(service, 'deploy'), `"order: start-first" with ${withWhat}`, wayOut);
  }
}
