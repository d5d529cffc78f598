import type { Candidate } from '../../server/planning/candidates.ts';
import type { Placed } from '../../server/planning/placed.ts';
import { place } from '../../server/planning/placement.ts';
import { plan } from '../../server/planning/plan.ts';
import type { Known, PlanInput } from '../../server/planning/plan-input.ts';
import { specHashOf } from '../../server/spec/hash.ts';
import type { ServiceSpec, StackSpec } from '../../server/spec/spec.ts';
import { median, round } from './stats.ts';

/**
 * A stack of 1,000 services on 100 agents: placing it and planning it with its hash, as a first deployment, again as it
 * is, with each service changed, and with each service under another name, so that all that is there is to go.
 */
export type PlanFigures = {
  firstMs: number;
  unchangedMs: number;
  changedMs: number;
  renamedMs: number;
  rounds: number;
};

const SERVICES = 1_000;
const AGENTS = 100;
const ROUNDS = 15;

const agents: Candidate[] = Array.from({ length: AGENTS }, (_, index) => ({
  ...{ id: `agent-${index}`, name: `vm${index}`, os: 'linux', arch: 'amd64', online: true, load: 0, taken: [] },
  labels: { zone: `z${index % 4}` },
}));
const online = new Set(agents.map(({ id }) => id));

export function benchPlan(): PlanFigures {
  const first = specOf('app', 0);
  const { placed } = place(first, agents, new Map());
  const measure = (spec: StackSpec, before: readonly Placed[]) => {
    const previous = new Map(before.map(({ container, agentId }) => [container.name, agentId]));
    const seen = seenOf(before);
    const samples: number[] = [];
    for (let turn = 0; turn < ROUNDS; turn++) {
      const from = performance.now();
      const found = place(spec, agents, previous);
      plan(inputOf(spec, found.placed, seen));
      samples.push(performance.now() - from);
    }
    return round(median(samples), 1);
  };
  return {
    firstMs: measure(first, []),
    unchangedMs: measure(first, placed),
    changedMs: measure(specOf('app', 1), placed),
    renamedMs: measure(specOf('other', 0), placed),
    rounds: ROUNDS,
  };
}

/**
 * Each service depends on up to two before it, every other one publishes a port, and is updated one container at a
 * time.
 */
function specOf(name: string, level: number): StackSpec {
  const services = Array.from({ length: SERVICES }, (_, index): ServiceSpec => {
    const service = `${name}-${index}`;
    const before = [index - 1 - (index % 7), Math.floor(index / 2) - 1].filter((other) => other >= 0 && other < index);
    return {
      name: service,
      host: null,
      dependsOn: [...new Set(before)].map((other) => ({
        ...{ service: `${name}-${other}`, condition: 'HEALTHY', required: true, restart: false },
      })),
      nameBase: `bench-${service}`,
      replicas: 1,
      spread: ['node.labels.zone'],
      update: { parallelism: 1, delayMs: 0, order: 'stop-first', monitorMs: null, failureAction: null },
      container: {
        ...{ name: `bench-${service}-1`, service, replica: 1, image: `registry.example/app-${index % 50}:1` },
        ...{ command: null, environment: { LEVEL: String(level), SERVICE: service, LOG_LEVEL: 'info' } },
        ...{ labels: { tier: `t${index % 3}` }, mounts: [], networkMode: 'bridge' },
        ports: index % 2 === 0 ? [{ containerPort: 80, hostPort: 20_000 + index, hostIp: null, protocol: 'tcp' }] : [],
        networks: [{ name: 'bench_default', aliases: [service] }],
        restart: { name: 'always', maximumRetryCount: 0 },
        ...{ nanoCpus: null, memoryBytes: 128 * 1024 * 1024, healthCheck: null },
      },
    };
  });
  const network = { name: 'bench_default', driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
  return { name: 'bench', description: null, placement: 'spread', services, networks: [network], volumes: [] };
}

function inputOf(spec: StackSpec, placed: Placed[], seen: Partial<Known> = {}): PlanInput {
  const known: Known = { observed: [], inWork: [], stopped: [], images: [], involved: [...online], online, ...seen };
  return { kind: 'DEPLOY', spec, revision: 2, placed, removeVolumes: false, services: null, orphans: null, known };
}

/** The hosts as a deployment left them. */
const seenOf = (before: readonly Placed[]): Pick<Known, 'observed' | 'images'> => ({
  observed: before.map(({ agentId, container }) => ({
    ...{ agentId, name: container.name, specHash: specHashOf(container), revision: 1, image: container.image },
    ...{ state: 'RUNNING', health: 'NONE', exitCode: null, ports: container.ports },
  })),
  images: before.map(({ agentId, container }) => ({ agentId, image: container.image })),
});
