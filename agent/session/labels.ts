type Label = { key: string; value: string };

/**
 * Says which of the labels that the agent was started with do not count, and what to do; undefined if all do. The server
 * keeps the labels: if an agent could change them, a stolen credential could draw other stacks' containers to its host.
 */
export function labelWarning(given: readonly Label[], actual: readonly Label[]): string | undefined {
  const values = new Map(actual.map(({ key, value }) => [key, value]));
  const differences = given
    .filter(({ key, value }) => values.get(key) !== value)
    .map(({ key, value }) => `${key}=${value} (it is ${values.has(key) ? `${key}=${values.get(key)}` : 'not set'})`);
  if (differences.length === 0) return undefined;
  return (
    `--label counts only when an agent enrolls, so this does not: ${differences.join(', ')}; an administrator ` +
    'changes the labels on the page (Agents) or by `mutation { setAgentLabels(name: ..., labels: [...]) { name } }`'
  );
}
