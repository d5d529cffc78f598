/** `services` of a Compose file: each one read, those whose profiles are not active left out. */

import { MAX_SERVICES } from '../../spec/limits.ts';
import type { FileSpec, VolumeSpec } from '../../spec/spec.ts';
import { type Fields, required } from '../fields.ts';
import type { Field, Spot } from '../text.ts';
import { type Context, readDeclarations } from './declared.ts';
import { type Contents, FILE_WORDS, readFiles } from './files.ts';
import { readKeys } from './keys.ts';
import type { NetworkDraft } from './networks.ts';
import { checkTargets } from './paths.ts';
import { toText } from './scalars.ts';
import { MOUNT_WORDS, readStorage, type Storage } from './service/mounts.ts';
import { ATTACHMENT_WORDS, type Networking, readNetworking } from './service/networking.ts';
import { OPTION_WORDS, readServiceOptions, refuseStartFirst, type ServiceOptions } from './service/service.ts';

export type ServiceDraft = {
  name: string;
  spot: Spot;
  options: ServiceOptions;
  networking: Networking;
  storage: Storage;
  files: FileSpec[];
};

export type Services = {
  drafts: ServiceDraft[];
  /** Names of those left out, with the profiles of which one would have to be active. */
  inactive: Map<string, string[]>;
};

/** What services refer to. */
export type Declared = {
  networks: ReadonlyMap<string, NetworkDraft>;
  volumes: ReadonlyMap<string, VolumeSpec>;
  contents: Contents;
};

const WORDS = [...OPTION_WORDS, ...ATTACHMENT_WORDS, ...MOUNT_WORDS, ...FILE_WORDS];

export function readServices(context: Context, top: Fields, declared: Declared, profiles: readonly string[]): Services {
  const { report } = context;
  const value = required(report, top, 'services', 'the services of the stack');
  const fields = readDeclarations(report, value, 'services by their names');
  if (value?.kind === 'null' || (value?.kind === 'object' && value.fields.length === 0)) {
    report('INVALID_VALUE', value, 'expected at least one service');
  }
  if (value && fields.length > MAX_SERVICES) {
    report('TOO_MANY_CONTAINERS', value, `expected at most ${MAX_SERVICES} services, found ${fields.length}`);
    return { drafts: [], inactive: new Map() };
  }
  const inactive = new Map<string, string[]>();
  const active = fields.filter((field) => {
    const wanted = profilesOf(field);
    // As `docker compose --profile "*"`.
    const isActive =
      wanted.length === 0 || wanted.some((profile) => profiles.includes(profile) || profiles.includes('*'));
    if (!isActive) inactive.set(field.key, wanted);
    return isActive;
  });
  if (value && fields.length > 0 && active.length === 0) {
    const names = [...new Set([...inactive.values()].flat())].join(', ');
    report('INVALID_VALUE', value, `expected a service without profiles, or with an active one: ${names}`);
  }
  return { drafts: active.flatMap((field) => readService(context, field, declared) ?? []), inactive };
}

/** Only what can be read: the rest is reported when the service is. */
function profilesOf({ value }: Field): string[] {
  const profiles = value.kind === 'object' ? value.fields.find(({ key }) => key === 'profiles')?.value : undefined;
  return profiles?.kind === 'list' ? profiles.items.flatMap((item) => toText(item) ?? []) : [];
}

function readService(context: Context, field: Field, declared: Declared): ServiceDraft | undefined {
  const { report, variables } = context;
  const service = readKeys(report, field.value, WORDS, 'a service {image, ...}');
  if (!service) return undefined;
  // What is missing is missing here, and not where a merged map has been written.
  const options = readServiceOptions(report, { ...service, offset: field.offset }, field.key, { variables });
  const names = { service: field.key, container: options.containerName };
  const networking = readNetworking(context, service, names, declared.networks);
  if (networking.fixed.length > 0) {
    const wayOut = 'the new container cannot have the address while the old one runs; use stop-first';
    refuseStartFirst(report, service, options, 'a static address', wayOut);
  }
  const storage = readStorage(context, service, declared.volumes);
  const { files, targets } = readFiles(context, service, declared.contents);
  checkTargets(report, [...storage.targets, ...targets]);
  return { name: field.key, spot: field, options, networking, storage, files };
}
