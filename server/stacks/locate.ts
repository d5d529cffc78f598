import { type ObjectValue, type Problem, readSource, type Value } from './source.ts';

/** Where a stack file says on which host a service runs: its own `locatedInHost`, or else the service itself. */
export function locateHost(text: string, service: string): Pick<Problem, 'path' | 'line' | 'column'> {
  const source = readSource(text);
  const container = source.root && findContainer(source.root, service);
  const host = container?.fields.find((field) => field.key === 'locatedInHost')?.value;
  source.report('INVALID_VALUE', host ?? container ?? { path: '', offset: 0 }, '');
  const { path = '', line = 1, column = 1 } = source.problems().at(-1) ?? {};
  return { path, line, column };
}

function findContainer(value: Value, name: string): ObjectValue | undefined {
  const inner = value.kind === 'list' ? value.items : value.kind === 'object' ? value.fields.map((f) => f.value) : [];
  const containers = value.kind === 'object' && value.fields.find((field) => field.key === 'hasPart')?.value;
  if (containers && containers.kind === 'list') {
    return containers.items.find((item): item is ObjectValue => item.kind === 'object' && nameOf(item) === name);
  }
  for (const one of inner) {
    const found = findContainer(one, name);
    if (found) return found;
  }
  return undefined;
}

function nameOf(container: ObjectValue): string | undefined {
  const name = container.fields.find((field) => field.key === 'name')?.value;
  return name?.kind === 'string' ? name.text : undefined;
}
