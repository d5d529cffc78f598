/** What stands in place of a value that the reader may not see. */
export const NOT_SHOWN = '(not shown)';

/**
 * The fields whose values a viewer does not see, wherever they are shown: what people put passwords into. The names are
 * those of stack files in both formats and those of the spec.
 */
export const CONFIDENTIAL: ReadonlySet<string> = new Set([
  'environment',
  'environmentVariable',
  'env_file',
  'envFile',
  'command',
  'entrypoint',
  'healthcheck',
  'healthCheck',
  'labels',
  'label',
  'annotations',
  'content',
  'configs',
  'args',
  'driver_opts',
  'driverOptions',
  'options',
  'storage_opt',
  'storageOptions',
]);

/** @param field the path of a field of a spec, such as `environment.LOG_LEVEL` or `logging.options` */
export const isConfidential = (field: string): boolean => field.split('.').some((part) => CONFIDENTIAL.has(part));

/** Looked for once in each run of letters: a search that began anew at each of them would hold up the server. */
const URL_PASSWORD = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi;

/** Hides the password in scheme://user:password@host. */
export const withoutPasswords = (text: string): string => text.replaceAll(URL_PASSWORD, '$1:***@');
