/** Pure: what an engine says that it can do, and what it takes of a container's body without doing it. */
import type { ContainerBody } from './body.ts';

/** The answer of `GET /info`, as far as it is read. */
export type EngineInfo = {
  NCPU: number;
  MemTotal: number;
  SecurityOptions?: string[] | null;
  MemoryLimit?: boolean;
  PidsLimit?: boolean;
  CpuCfsQuota?: boolean;
  CPUShares?: boolean;
  CPUSet?: boolean;
};

export type Abilities = {
  /** It runs as an ordinary user. */
  rootless: boolean;
  /** It is Podman behind Docker's API. */
  podman: boolean;
  info: Partial<EngineInfo>;
};

export const toAbilities = (info: EngineInfo, components: readonly { Name: string }[] = []): Abilities => ({
  rootless: (info.SecurityOptions ?? []).some((option) => option.split(',').includes('name=rootless')),
  podman: components.some(({ Name }) => Name === 'Podman Engine'),
  info,
});

type Limits = ContainerBody['HostConfig'];

const LIMITS: [keyof EngineInfo, string, (limits: Limits) => unknown][] = [
  ['MemoryLimit', 'the memory limit', ({ Memory }) => Memory],
  ['PidsLimit', 'the limit of processes', ({ PidsLimit }) => (PidsLimit ?? 0) > 0],
  ['CpuCfsQuota', 'the limit of CPUs', ({ NanoCpus, CpuQuota }) => NanoCpus ?? CpuQuota],
  ['CPUShares', 'the share of CPUs', ({ CpuShares }) => CpuShares],
  ['CPUSet', 'the set of CPUs', ({ CpusetCpus }) => CpusetCpus],
];

/** Lists, in words, what the container asks for and will not have. */
export function unheeded(body: ContainerBody, { info, podman }: Abilities): string[] {
  const limits = LIMITS.filter(([ability, , asked]) => info[ability] === false && asked(body.HostConfig));
  return [
    ...limits.map(([, what]) => `This engine does not enforce ${what}.`),
    ...(podman && body.Domainname ? ['Podman leaves out the domain name.'] : []),
    ...(podman && body.HostConfig.DeviceCgroupRules?.length ? ['Podman leaves out the rules for devices.'] : []),
  ];
}
