/** Reads a stack file that may still be half written. */
export type Format = 'COMPOSE' | 'JSONLD';

export const isJson = (text: string) => /^\s*[{[]/.test(text);

/** Takes JSON for Graphium's own format unless it has the `services` of a Compose file; anything else is Compose. */
export function findFormat(text: string): Format {
  if (!isJson(text)) return 'COMPOSE';
  if (/"(@graph|@type|@context|hasPart)"\s*:/.test(text)) return 'JSONLD';
  return /"services"\s*:/.test(text) ? 'COMPOSE' : 'JSONLD';
}

/** Returns the name that a Compose file gives its stack. */
export function findName(text: string): string | null {
  const found = isJson(text) ? /^\s*\{\s*"name"\s*:\s*"([^"]+)"/.exec(text) : /^name:[ \t]*(.+)$/m.exec(text);
  const name = found?.[1]?.replace(/\s+#.*$/, '').trim();
  return name?.replace(/^(["'])(.*)\1$/, '$2') || null;
}

/** A variable that a Compose file refers to; `fallback` applies when it is not set. */
export type Variable = { name: string; fallback: string | null; needed: boolean };

/** Finds `$NAME` and `${NAME…}`, each once and in the order of the text. It skips `$$` and comments. */
export function findVariables(text: string): Variable[] {
  const found = new Map<string, Variable>();
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const pattern = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])([^}$]*))?)/g;
  for (const [, plain, braced, operator = '', rest = ''] of lines.join('\n').matchAll(pattern)) {
    const name = plain ?? braced;
    if (name === undefined) continue;
    const known = found.get(name);
    const fallback = operator.endsWith('-') ? rest : null;
    found.set(name, {
      name,
      fallback: known?.fallback ?? fallback,
      needed: (known?.needed ?? false) || operator.endsWith('?'),
    });
  }
  return [...found.values()];
}
