import type { introspection } from '../../graphql-env.d.ts';

type OnFailure = introspection['types']['OnFailure']['enumValues'];

/** The options of an operation, as they are typed into the form. */
export type OptionFields = {
  onFailure: OnFailure | '';
  priority: string;
  maxRetries: string;
  timeoutSeconds: string;
  taskTimeoutSeconds: string;
};

export type Options = {
  onFailure: OnFailure | null;
  priority: number;
  maxRetries: number;
  timeoutSeconds: number | null;
  taskTimeoutSeconds: number | null;
};

export const DEFAULTS: OptionFields = {
  onFailure: '',
  priority: '0',
  maxRetries: '2',
  timeoutSeconds: '',
  taskTimeoutSeconds: '',
};

const WEEK_SECONDS = 7 * 24 * 3600;

export function parseOptions(fields: OptionFields): { options: Options } | { mistake: string } {
  const priority = toInteger(fields.priority, -100, 100);
  if (priority === null) return { mistake: 'Priority: a whole number from -100 to 100.' };
  const maxRetries = toInteger(fields.maxRetries, 0, 20);
  if (maxRetries === null) return { mistake: 'Retries: a whole number from 0 to 20.' };
  const seconds = (text: string) => (text.trim() === '' ? 0 : toInteger(text, 1, WEEK_SECONDS));
  const timeoutSeconds = seconds(fields.timeoutSeconds);
  const taskTimeoutSeconds = seconds(fields.taskTimeoutSeconds);
  if (timeoutSeconds === null || taskTimeoutSeconds === null) {
    return { mistake: `Time limits: whole seconds, 1 to ${WEEK_SECONDS}, or nothing.` };
  }
  const options = {
    onFailure: fields.onFailure || null,
    priority,
    maxRetries,
    timeoutSeconds: timeoutSeconds || null,
    taskTimeoutSeconds: taskTimeoutSeconds || null,
  };
  return { options };
}

function toInteger(text: string, least: number, most: number): number | null {
  if (!/^\s*-?\d+\s*$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}
