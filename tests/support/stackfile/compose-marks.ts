import { expect } from 'vitest';
import type { ContainerSpec, ServiceSpec, StackSpec } from '../../../server/spec/spec.ts';
import { type ComposeOptions, type Parsed, parseCompose } from '../../../server/stackfile/compose/parse.ts';

/** `^` marks where each problem is expected to be, in order; the rest of the text is the file. */
export type Case = [title: string, marked: string, ...complaints: string[]];

export function parse(text: string, options: Partial<ComposeOptions> = {}): Parsed {
  return parseCompose(text, { variables: {}, profiles: [], ...options });
}

/** Of a file without problems. */
export function toSpec(text: string, options?: Partial<ComposeOptions>): StackSpec {
  const parsed = parse(text, options);
  if (!parsed.ok) throw new Error(parsed.problems.map((one) => `${one.path}:${one.line} ${one.message}`).join('\n'));
  return parsed.spec;
}

export function toService(text: string, name: string, options?: Partial<ComposeOptions>): ServiceSpec {
  const service = toSpec(text, options).services.find((one) => one.name === name);
  if (!service) throw new Error(`no service ${name}`);
  return service;
}

/** What a container is when its service says nothing but its image. */
export function plain(name: string, service: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name,
    service,
    replica: 1,
    image: 'app',
    command: null,
    environment: {},
    labels: {},
    ports: [],
    mounts: [],
    networkMode: 'bridge',
    networks: [{ name: 'shop_default', aliases: [service] }],
    restart: { name: 'no', maximumRetryCount: 0 },
    nanoCpus: null,
    memoryBytes: null,
    healthCheck: null,
    ...more,
  };
}

/** `CODE path` of each problem at its mark. */
export function check(marked: string, complaints: string[], options?: Partial<ComposeOptions>): void {
  const parts = marked.split('^');
  const places = parts.slice(1).map((_, index) => {
    const lines = parts
      .slice(0, index + 1)
      .join('')
      .split('\n');
    return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
  });
  const parsed = parse(parts.join(''), options);
  const found = parsed.ok ? [] : parsed.problems;
  const expected = complaints.map((complaint, index) => `${complaint} at ${places[index]}`);
  expect(found.map(({ code, path, line, column }) => `${code} ${path} at ${line}:${column}`)).toEqual(expected);
}
