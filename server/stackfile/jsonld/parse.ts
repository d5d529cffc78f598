/** Graphium JSON-LD stack files: text in, the normalised spec or every problem of the file out. */

import { MAX_CONTAINERS } from '../../spec/limits.ts';
import type { StackSpec } from '../../spec/spec.ts';
import { type Fields, readChoice, readFields, readItems, required, wrongType } from '../fields.ts';
import { findStackNameProblem } from '../names.ts';
import { type Place, type Problem, quote, type Report, readSource, type Value } from '../text.ts';
import { type ContainerDraft, readContainer, readHost } from './container.ts';
import { readNetwork } from './network.ts';
import { DEFAULT_NETWORK, type Deployment, type StackDraft, toSpec } from './to-spec.ts';
import { readNode } from './vocabulary.ts';

const STACK_WORDS = ['deployment', 'locatedInHost', 'hasPart', 'network'];

/** Never throws. The problems come in the order of the text. */
export function parseJsonld(text: string): { ok: true; spec: StackSpec } | { ok: false; problems: Problem[] } {
  const { root, report, problems } = readSource(text);
  const node = root && findStackNode(report, root);
  const stack = node && readStack(report, node);
  const spec = stack && toSpec(report, stack);
  const found = problems();
  return spec && found.length === 0 ? { ok: true, spec } : { ok: false, problems: found };
}

/** Where a parsed file says on which host a service runs; without a word about it, where the service begins. */
export function locateHost(text: string, service: string): Place {
  const { root, place } = readSource(text);
  const silent = () => {};
  const node = root && findStackNode(silent, root);
  if (!node) return place({ path: '', offset: 0 });
  const stack = readFields(silent, node, STACK_WORDS);
  const container = readItems(silent, stack?.get('hasPart'), '').find((item) => {
    const name = readFields(silent, item, ['name'])?.get('name');
    return name?.kind === 'string' && name.text === service;
  });
  const own = container && readFields(silent, container, ['locatedInHost'])?.get('locatedInHost');
  return place(own ?? stack?.get('locatedInHost') ?? container ?? node);
}

function findStackNode(report: Report, root: Value): Value | undefined {
  if (root.kind !== 'object') return wrongType(report, root, 'an object with @graph, or a stack');
  const isGraph = root.fields.some((field) => field.key === '@graph');
  const context = root.fields.find((field) => field.key === '@context')?.value;
  if (context && context.kind !== 'string' && context.kind !== 'object' && context.kind !== 'list') {
    wrongType(report, context, 'a string, an object or a list');
  }
  if (!isGraph) return { ...root, fields: root.fields.filter((field) => field.key !== '@context') };
  const graph = readFields(report, root, ['@context', '@graph'])?.get('@graph');
  const nodes = readItems(report, graph, 'a list with one stack');
  if (graph && (graph.kind === 'list' || graph.kind === 'object') && nodes.length !== 1) {
    report('INVALID_VALUE', nodes[1] ?? graph, `expected exactly one stack in @graph, found ${nodes.length}`);
  }
  return nodes[0];
}

function readStack(report: Report, node: Value): StackDraft | undefined {
  const fields = readNode(report, node, 'stack', STACK_WORDS, 'a stack {@type, name, hasPart, ...}');
  if (!fields) return undefined;
  required(report, fields, '@type', 'the type of the node, Stack');
  const description = fields.get('description');
  const deployment = readDeployment(report, fields.get('deployment'));
  const network = readNetwork(report, fields.get('network'), DEFAULT_NETWORK);
  if (network && deployment.networkMode !== undefined && network.mode !== deployment.networkMode) {
    const message = `expected a network that fits the networkMode ${deployment.networkMode} of the deployment`;
    report('INVALID_VALUE', network.spot, message);
  }
  return {
    name: readStackName(report, fields),
    description: description?.kind === 'string' ? description.text : null,
    deployment,
    networkMode: network?.mode ?? deployment.networkMode ?? 'bridge',
    network,
    host: readHost(report, fields.get('locatedInHost')),
    containers: readContainers(report, fields),
  };
}

function readStackName(report: Report, fields: Fields): string {
  const name = required(report, fields, 'name', "the stack's name");
  if (name?.kind !== 'string') return '';
  const problem = findStackNameProblem(name.text);
  if (problem) report('INVALID_NAME', name, `${problem}, found ${quote(name.text)}`);
  return name.text;
}

function readDeployment(report: Report, value: Value | undefined): Deployment {
  const words = ['mode', 'placementStrategy', 'networkMode'];
  const fields = value && readNode(report, value, 'deployment', words, 'a deployment {placementStrategy, networkMode}');
  const get = (word: string) => fields?.get(word);
  const mode = readChoice(report, get('mode'), ['multi-host', 'single-host'] as const);
  const network = readChoice(report, get('networkMode'), ['host-port', 'bridge', 'host', 'none'] as const);
  return {
    placement: readChoice(report, get('placementStrategy'), ['manual', 'spread'] as const) ?? 'manual',
    networkMode: network === 'host-port' ? 'bridge' : network,
    singleHost: mode === 'single-host' ? get('mode') : undefined,
  };
}

function readContainers(report: Report, fields: Fields): ContainerDraft[] {
  const parts = required(report, fields, 'hasPart', 'the list of containers');
  const items = readItems(report, parts, 'a list of containers');
  if (parts?.kind === 'list' && items.length === 0) {
    report('INVALID_VALUE', parts, 'expected at least one container');
  }
  if (parts && items.length > MAX_CONTAINERS) {
    report('TOO_MANY_CONTAINERS', parts, `expected at most ${MAX_CONTAINERS} containers, found ${items.length}`);
    return [];
  }
  return items.flatMap((item) => readContainer(report, item) ?? []);
}
