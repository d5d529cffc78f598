/**
 * One service of a Compose file, by itself: every key but those of networks, storage, configs and secrets, which need
 * the top level of the file. What the file does not say is absent from `container`. Facts are from the Compose
 * Specification (github.com/compose-spec/compose-spec, 05-services.md and deploy.md) and its JSON schema.
 */

import type { ContainerSpec } from '../../../spec/spec.ts';
import { findContainerNameProblem, findImageProblem } from '../../names.ts';
import { quote } from '../../problems.ts';
import type { Name } from '../../reader.ts';
import { compact, orAbsent } from '../compact.ts';
import { type ComposeFields, type ComposeReader, refuseKeys } from '../reader.ts';
import { type ParsedDependency, readDependencies } from './depends.ts';
import { type Deployed, readDeploy } from './deploy.ts';
import { readHealthCheck, readRestart } from './health.ts';
import { HOST_KEYS, readHostOptions } from './host.ts';
import { NAME_RESOLUTION_KEYS, readNameResolution } from './name-resolution.ts';
import { type ParsedPort, readExpose, readPorts } from './ports.ts';
import { PROCESS_KEYS, readProcess } from './process.ts';
import { REFUSED } from './refused.ts';
import { RESOURCE_KEYS, readResources } from './resources.ts';

/** Every key of a service that is understood or refused by name here. */
export const OPTION_KEYS: readonly string[] = [
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
  ...PROCESS_KEYS,
  ...NAME_RESOLUTION_KEYS,
  ...HOST_KEYS,
  ...RESOURCE_KEYS,
  ...Object.keys(REFUSED),
];

export type ServiceOptions = Deployed & {
  image: string;
  containerName: Name | undefined;
  container: Partial<ContainerSpec>;
  /** One for each port of a range. */
  ports: ParsedPort[];
  dependsOn: ParsedDependency[];
  profiles: string[];
};

export function readServiceOptions(service: ComposeFields, name: string): ServiceOptions {
  refuseKeys(service, REFUSED);
  // `attach` only decides what `docker compose up` prints on its terminal.
  service.get('attach').flag();
  const { deployed, labels, restart, resources } = readDeploy(service);
  const ports = readPorts(service.get('ports'));
  checkOrder(service, deployed, ports);
  const own = readProcess(service);
  const ownRestart = readRestart(service.get('restart'));
  return {
    image: readImage(service, name),
    containerName: readContainerName(service.get('container_name')),
    container: compact({
      ...own,
      // The specification keeps `deploy.labels` for the service, which nothing outside Graphium can look at.
      labels: orAbsent({ ...labels, ...own.labels }),
      ...readNameResolution(service),
      ...readHostOptions(service),
      ...readResources(service, resources),
      expose: orAbsent(readExpose(service.get('expose'))),
      healthCheck: readHealthCheck(service.get('healthcheck')),
      restart: restart ?? ownRestart,
    }),
    ports,
    dependsOn: readDependencies(service.get('depends_on')),
    profiles: readProfiles(service.get('profiles')),
    ...deployed,
  };
}

/** A service that must be built, or comes from a provider, is refused for that alone and not for its missing image. */
function readImage(service: ComposeFields, name: string): string {
  if (!service.has('image') && (service.has('build') || service.has('provider'))) return '';
  const expected = `an image such as nginx:alpine for the service ${quote(name)}`;
  const value = service.required('image', expected);
  const image = value.text(expected);
  const problem = image === undefined ? undefined : findImageProblem(image);
  if (problem) value.report('INVALID_IMAGE', `${problem}, found ${quote(image ?? '')}`);
  return image ?? '';
}

function readContainerName(value: ComposeReader): Name | undefined {
  const text = value.text('a name');
  if (text === undefined) return undefined;
  value.checkName(text, findContainerNameProblem);
  return { text, place: value };
}

function readProfiles(value: ComposeReader): string[] {
  return (value.list('a list of names') ?? []).flatMap((item) => {
    const text = item.text('a name');
    if (text !== undefined) item.checkName(text, findProfileProblem);
    return text ?? [];
  });
}

function findProfileProblem(name: string): string | undefined {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return undefined;
  return 'expected letters, digits, "_", "." and "-", starting with a letter or digit';
}

/** Two containers cannot have one port of a host, so a successor cannot start beside its predecessor. */
function checkOrder(service: ComposeFields, deployed: Deployed, ports: ParsedPort[]): void {
  const fixed = ports.find(({ hostPort }) => hostPort !== null);
  if (!fixed) return;
  const wayOut = `the new container cannot publish port ${fixed.hostPort} while the old one runs; use stop-first`;
  refuseStartFirst(service, deployed, 'a published host port', wayOut);
}

export function refuseStartFirst(
  service: ComposeFields,
  { update, rollback }: Pick<Deployed, 'update' | 'rollback'>,
  withWhat: string,
  wayOut: string,
): void {
  const rollouts = { update_config: update, rollback_config: rollback };
  for (const [key, rollout] of Object.entries(rollouts)) {
    if (rollout?.order !== 'start-first') continue;
    const config = service.get('deploy').entries.find((entry) => entry.key === key)?.value;
    const order = config?.entries.find((entry) => entry.key === 'order');
    (order ?? service.keyOf('deploy')).refuse(`"order: start-first" with ${withWhat}`, wayOut);
  }
}
