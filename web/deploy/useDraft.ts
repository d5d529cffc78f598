import { useEffect, useMemo, useState } from 'react';
import { newKey } from '../key.ts';
import type { OperationInput } from '../plan/documents.ts';
import { useStore } from '../store.ts';
import { type Format, findFormat, findName, findVariables, type Variable } from './format.ts';
import { handover } from './handover.ts';
import { findKept, keep } from './kept.ts';
import type { Source } from './source.ts';

/** What the screen starts with. */
export type Start = {
  text: string;
  /** Null: the text decides. */
  format: Format | null;
  /** The stack that the file is for; null: the file says. */
  stack: string | null;
  variableNames: readonly string[];
};

export type FileInput = Extract<OperationInput, { deploy: unknown }>['deploy'];
export type Extra = { id: string; name: string };

/** Holds a stack file while it is being written, with the name, the variables and the profiles that go with it. */
export function useDraft(start: Start) {
  const fresh = (): Source => ({ id: newKey(), name: null, text: start.text });
  const [source, setSource] = useState<Source>(() => handover.get() ?? findKept(start) ?? fresh());
  const [chosen, choose] = useState(start.format);
  const [name, setName] = useState(() => givenName(start));
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [extras, setExtras] = useState<readonly Extra[]>([]);
  const [profiles, setProfiles] = useState('');
  const replace = (next: Source) => {
    setSource(next);
    choose(null);
  };
  useHandedOver(replace);
  useKept(start, source);
  const { text } = source;
  const format = chosen ?? findFormat(text);
  const variables = useMemo(
    () => (format === 'COMPOSE' ? withEarlier(findVariables(text), text, start.variableNames) : []),
    [format, text, start.variableNames],
  );
  const input = useMemo(
    () => (text.trim() === '' ? null : toInput({ text, format, name, profiles, variables, extras, values })),
    [text, format, name, profiles, variables, extras, values],
  );
  return {
    source,
    edit: (now: string) => setSource((before) => ({ ...before, text: now })),
    replace,
    /** Undefined while nothing was written. */
    startOver: source.text === start.text ? undefined : () => replace(fresh()),
    format,
    isChosen: chosen !== null,
    choose,
    name,
    setName,
    namedInFile: format === 'COMPOSE' ? findName(text) : null,
    variables,
    values,
    setValue: (variable: string, value: string) => setValues((before) => ({ ...before, [variable]: value })),
    extras,
    setExtras,
    profiles,
    setProfiles,
    input,
  };
}

export type Draft = ReturnType<typeof useDraft>;

/** Fills in the stack's name for a file that does not contain one. */
const givenName = ({ stack, text }: Start) => (stack !== null && findName(text) === null ? stack : '');

function useHandedOver(take: (source: Source) => void): void {
  const handed = useStore(handover);
  useEffect(() => {
    if (!handed) return;
    take(handed);
    handover.set(null);
  });
}

function useKept({ stack, text }: Start, source: Source): void {
  useEffect(() => keep({ stack, text }, source), [stack, text, source]);
}

/** Adds variables of the last revision that the text mentions, even where no dollar sign marks them. */
function withEarlier(found: Variable[], text: string, earlier: readonly string[]): Variable[] {
  const known = new Set(found.map((each) => each.name));
  const others = earlier.filter((name) => !known.has(name) && text.includes(name));
  return [...found, ...others.map((name) => ({ name, fallback: null, needed: false }))];
}

type Fields = {
  text: string;
  format: Format;
  name: string;
  profiles: string;
  variables: readonly Variable[];
  extras: readonly Extra[];
  values: Readonly<Record<string, string>>;
};

/** Sends name, variables and profiles with Compose files only. A variable without a value is left out. */
function toInput({ text, format, name, profiles, variables, extras, values }: Fields): FileInput {
  if (format === 'JSONLD') return { source: { jsonld: text } };
  const pairs = [
    ...variables.map((each) => [each.name, values[each.name] ?? ''] as const),
    ...extras.map((each) => [each.name.trim(), values[each.id] ?? ''] as const),
  ].filter(([variable, value]) => variable !== '' && value !== '');
  const wanted = profiles.split(/[\s,]+/).filter(Boolean);
  return {
    source: { compose: text },
    ...(name.trim() && { name: name.trim() }),
    ...(pairs.length > 0 && { variables: Object.fromEntries(pairs) }),
    ...(wanted.length > 0 && { profiles: wanted }),
  };
}
