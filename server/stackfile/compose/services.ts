/** `services` of a Compose file: reads each one, and leaves out those whose profiles are not active. */

import { MAX_SERVICES } from '../../spec/limits.ts';
import type { FileSpec, VolumeSpec } from '../../spec/spec.ts';
import type { Place } from '../reader.ts';
import { type Declaration, readDeclarations } from './declared.ts';
import { FILE_KEYS, type FileContents, readFiles } from './files.ts';
import type { ParsedNetwork } from './networks.ts';
import type { ComposeFields, ComposeReader } from './reader.ts';
import { MOUNT_KEYS, readStorage, type Storage } from './service/mounts.ts';
import { NETWORKING_KEYS, type Networking, readNetworking } from './service/networking.ts';
import { OPTION_KEYS, readServiceOptions, refuseStartFirst, type ServiceOptions } from './service/service.ts';
import { checkTargets } from './targets.ts';

export type ParsedService = {
  name: string;
  place: Place;
  options: ServiceOptions;
  networking: Networking;
  storage: Storage;
  files: FileSpec[];
};

export type ParsedServices = {
  active: ParsedService[];
  /** The names of those left out, each with its profiles, one of which would have to be active. */
  inactive: Map<string, string[]>;
};

/** What services refer to. */
export type Declared = {
  networks: ReadonlyMap<string, ParsedNetwork>;
  volumes: ReadonlyMap<string, VolumeSpec>;
  contents: FileContents;
};

const KEYS = [...OPTION_KEYS, ...NETWORKING_KEYS, ...MOUNT_KEYS, ...FILE_KEYS];

export function readServices(top: ComposeFields, declared: Declared, profiles: readonly string[]): ParsedServices {
  const value = top.required('services', 'the services of the stack');
  const declarations = readDeclarations(value, 'services by their names');
  if (value.kind === 'null' || (value.kind === 'object' && value.entries.length === 0)) {
    value.report('INVALID_VALUE', 'expected at least one service');
  }
  if (declarations.length > MAX_SERVICES) {
    value.report('TOO_MANY_CONTAINERS', `expected at most ${MAX_SERVICES} services, found ${declarations.length}`);
    return { active: [], inactive: new Map() };
  }
  const { active, inactive } = splitByProfile(declarations, profiles);
  if (declarations.length > 0 && active.length === 0) {
    const names = [...new Set([...inactive.values()].flat())].join(', ');
    value.report('INVALID_VALUE', `expected a service without profiles, or with an active one: ${names}`);
  }
  return { active: active.flatMap((declaration) => readService(declaration, declared) ?? []), inactive };
}

function splitByProfile(
  declarations: Declaration[],
  profiles: readonly string[],
): { active: Declaration[]; inactive: Map<string, string[]> } {
  const inactive = new Map<string, string[]>();
  const active = declarations.filter(({ key, value }) => {
    const wanted = profilesOf(value);
    // As with `docker compose --profile "*"`.
    const isActive =
      wanted.length === 0 || profiles.includes('*') || wanted.some((profile) => profiles.includes(profile));
    if (!isActive) inactive.set(key, wanted);
    return isActive;
  });
  return { active, inactive };
}

/** Reports nothing: what cannot be understood is reported when the service is read. */
function profilesOf(service: ComposeReader): string[] {
  const profiles = service.entries.find(({ key }) => key === 'profiles')?.value;
  return profiles?.items.flatMap((item) => item.written ?? []) ?? [];
}

function readService(declaration: Declaration, declared: Declared): ParsedService | undefined {
  // A missing key is missing here, and not where a merged map is written.
  const service = declaration.value.map(KEYS, 'a service {image, ...}', declaration);
  if (!service) return undefined;
  const options = readServiceOptions(service, declaration.key);
  const names = { service: declaration.key, container: options.containerName?.text };
  const networking = readNetworking(service, names, declared.networks);
  if (networking.fixed.length > 0) {
    const wayOut = 'the new container cannot have the address while the old one runs; use stop-first';
    refuseStartFirst(service, options, 'a static address', wayOut);
  }
  const storage = readStorage(service, declared.volumes);
  const { files, targets } = readFiles(service, declared.contents);
  checkTargets([...storage.targets, ...targets]);
  return { name: declaration.key, place: declaration, options, networking, storage, files };
}
