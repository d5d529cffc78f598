import type { Candidate } from '../../../server/planning/candidates.ts';
import { place } from '../../../server/planning/placement.ts';
import type { Constraint, ServiceSpec } from '../../../server/spec/spec.ts';
import { serviceOf, specOf } from './stories.ts';

/** Agents and services for the tests of placement. An agent's id is `id-<name>`. */
export const agent = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  id: `id-${name}`,
  name,
  labels: {},
  os: 'linux',
  arch: 'x86_64',
  online: true,
  load: 0,
  taken: [],
  ...more,
});
export const inZone = (name: string, zone: string, more: Partial<Candidate> = {}) =>
  agent(name, { labels: { zone }, ...more });
export const taken = (port: number, ip: string | null = null, protocol = 'tcp'): Candidate['taken'][number] => ({
  port,
  ip,
  protocol,
  by: `"other-1" of the stack "other"`,
});

type More = Parameters<typeof serviceOf>[1];
/** A service of several containers. */
export const many = (name: string, replicas: number, more: More = {}): ServiceSpec =>
  serviceOf(name, { nameBase: name, replicas, ...more, container: { name: `${name}-1`, ...more.container } });
export const everywhere = (name: string, more: More = {}): ServiceSpec =>
  serviceOf(name, { nameBase: name, global: true, ...more, container: { name: `${name}-1`, ...more.container } });

export function constraint(text: string): Constraint {
  const [attribute = '', operator = '', value = ''] = text.split(' ');
  return { attribute, operator: operator === '!=' ? '!=' : '==', value };
}

/** `container agent` of each, the codes of the problems, and the places as the next deployment gets them. */
export function placing(services: ServiceSpec[], agents: Candidate[], previous: Record<string, string> = {}) {
  const before = new Map(Object.entries(previous).map(([name, at]) => [name, `id-${at}`]));
  const { placed, problems, skipped } = place(specOf('x', services), agents, before);
  const places = placed.map(({ container, agentId }) => [container.name, agentId.replace('id-', '')] as const);
  return {
    at: places.map((place) => place.join(' ')),
    codes: problems.map(({ code, service }) => `${code} ${service}`),
    next: Object.fromEntries(places),
    placed,
    problems,
    skipped,
  };
}
