/** Graphium JSON-LD stack files: text in, the normalised spec or every problem of the file out. */

import { MAX_CONTAINERS } from '../../spec/limits.ts';
import type { StackSpec } from '../../spec/spec.ts';
import { findStackNameProblem } from '../names.ts';
import {
  collectProblems,
  type Position,
  type Problem,
  positionOf,
  quote,
  type Report,
  WHOLE_TEXT,
} from '../problems.ts';
import { readJson } from '../text.ts';
import { type ParsedContainer, readContainer, readHost, toHostName } from './container.ts';
import { readNetwork } from './network.ts';
import { isOfKind, type JsonldFields, JsonldReader } from './reader.ts';
import { DEFAULT_NETWORK, type ParsedDeployment, type ParsedStack, toSpec } from './to-spec.ts';

const STACK_KEYS = ['deployment', 'locatedInHost', 'hasPart', 'network'];

/** Never throws. The problems come in the order of the text. */
export function parseJsonld(text: string): { ok: true; spec: StackSpec } | { ok: false; problems: Problem[] } {
  const { report, problems } = collectProblems(text);
  const { stack, hosts } = findNodes(text, report);
  const parsed = stack && readStack(stack, readHostNames(hosts));
  const spec = parsed && toSpec(parsed);
  const found = problems();
  return spec && found.length === 0 ? { ok: true, spec } : { ok: false, problems: found };
}

/** Finds where a good file says on which host a service runs, or where the service begins if it does not say so. */
export function locateHost(text: string, service: string): Position {
  const { stack } = findNodes(text, () => {});
  if (!stack) return positionOf(text, WHOLE_TEXT);
  const findValue = (node: JsonldReader | undefined, key: string) =>
    node?.entries.find((entry) => entry.key === key)?.value;
  const container = findValue(stack, 'hasPart')
    ?.itemsOrOne('')
    .find((item) => findValue(item, 'name')?.stringOrNone === service);
  const host = findValue(container, 'locatedInHost') ?? findValue(stack, 'locatedInHost');
  return positionOf(text, host ?? container ?? stack);
}

type Nodes = { stack: JsonldReader | undefined; hosts: JsonldReader[] };

function findNodes(text: string, report: Report): Nodes {
  const value = readJson(text, report);
  const only = (stack: JsonldReader | undefined): Nodes => ({ stack, hosts: [] });
  if (!value) return only(undefined);
  const root = new JsonldReader({ report, warn: report }, value, value);
  if (value.kind !== 'object') return only(root.wrongType('an object with @graph, or a stack'));
  const context = root.entries.find(({ key }) => key === '@context')?.value;
  if (context && !['string', 'object', 'list'].includes(context.kind ?? '')) {
    context.wrongType('a string, an object or a list');
  }
  if (!value.fields.some(({ key }) => key === '@graph')) {
    return only(root.at(value, { ...value, fields: value.fields.filter(({ key }) => key !== '@context') }));
  }
  const graph = root.fields(['@context', '@graph'], 'an object')?.get('@graph');
  const all = graph?.itemsOrOne('a list with one stack') ?? [];
  const hosts = all.filter((node) => isOfKind(node, 'host') && !isOfKind(node, 'stack'));
  const nodes = all.filter((node) => !hosts.includes(node));
  if (graph && (graph.kind === 'list' || graph.kind === 'object') && nodes.length !== 1) {
    (nodes[1] ?? graph).report('INVALID_VALUE', `expected exactly one stack in @graph, found ${nodes.length}`);
  }
  return { stack: nodes[0], hosts };
}

function readHostNames(hosts: readonly JsonldReader[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const host of hosts) {
    const fields = host.node('host', [], 'a host {@id, name}');
    const id = fields?.required('@id', 'what containers refer to it by').name;
    if (!fields || !id) continue;
    const key = toHostName(id.text);
    if (names.has(key)) id.place.report('DUPLICATE_NAME', `expected only one host ${quote(key)}`);
    names.set(key, fields.get('name').stringOrNone ?? key);
  }
  return names;
}

function readStack(node: JsonldReader, hostNames: ReadonlyMap<string, string>): ParsedStack | undefined {
  const fields = node.node('stack', STACK_KEYS, 'a stack {@type, name, hasPart, ...}');
  if (!fields) return undefined;
  fields.required('@type', 'the type of the node, Stack');
  const deployment = readDeployment(fields.get('deployment'));
  const network = readNetwork(fields.get('network'), DEFAULT_NETWORK);
  if (network && deployment.networkMode !== undefined && network.mode !== deployment.networkMode) {
    const message = `expected a network that fits the networkMode ${deployment.networkMode} of the deployment`;
    network.place.report('INVALID_VALUE', message);
  }
  return {
    place: fields,
    name: readStackName(fields.required('name', "the stack's name")),
    description: fields.get('description').stringOrNone ?? null,
    deployment,
    networkMode: network?.mode ?? deployment.networkMode ?? 'bridge',
    network,
    host: readHost(fields.get('locatedInHost')),
    hostNames,
    containers: readContainers(fields),
  };
}

function readStackName(value: JsonldReader): string {
  const name = value.stringOrNone;
  if (name !== undefined) value.checkName(name, findStackNameProblem);
  return name ?? '';
}

function readDeployment(value: JsonldReader): ParsedDeployment {
  const keys = ['mode', 'placementStrategy', 'networkMode'];
  const fields = value.node('deployment', keys, 'a deployment {placementStrategy, networkMode}');
  const mode = fields?.get('mode').choice(['multi-host', 'single-host']);
  const strategy = fields?.get('placementStrategy').choice(['manual', 'spread', 'auto']);
  const network = fields?.get('networkMode').choice(['host-port', 'bridge', 'host', 'none']);
  return {
    placement: strategy === 'auto' ? 'spread' : strategy,
    networkMode: network === 'host-port' ? 'bridge' : network,
    singleHost: mode === 'single-host' ? fields?.get('mode') : undefined,
  };
}

function readContainers(fields: JsonldFields): ParsedContainer[] {
  const parts = fields.required('hasPart', 'the list of containers');
  const items = parts.itemsOrOne('a list of containers');
  if (parts.kind === 'list' && items.length === 0) parts.report('INVALID_VALUE', 'expected at least one container');
  if (items.length > MAX_CONTAINERS) {
    parts.report('TOO_MANY_CONTAINERS', `expected at most ${MAX_CONTAINERS} containers, found ${items.length}`);
    return [];
  }
  return items.flatMap((item) => readContainer(item) ?? []);
}
