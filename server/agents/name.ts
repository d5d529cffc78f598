import { GraphiumError } from '../base/errors.ts';

/** Agents are named like hosts; stack files refer to them by this name. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/** @throws GraphiumError BAD_INPUT */
export function checkAgentName(name: string): string {
  if (NAME.test(name)) return name;
  throw new GraphiumError('BAD_INPUT', `name: "${name}" is no name for an agent; expected ${NAME.source}.`);
}
