import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What the environment may say, read once. All problems are reported together. */
export type Env = {
  databaseUrl: string | undefined;
  /** Where the embedded Postgres keeps its data, and the key of the secrets is unless said otherwise. */
  dataFolder: string;
  /** With what secrets are sealed; made when it is not there. */
  secretKeyFile: string;
  hosts: string[];
  port: number;
  /** What people and agents type to reach this server. */
  publicUrl: string;
  tls: { cert: string; key: string } | undefined;
  logLevel: string;
};

const file = z.string().transform((path, context) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` });
    return z.NEVER;
  }
});

const schema = z
  .object({
    DATABASE_URL: z
      .string()
      .refine(
        isPostgresUrl,
        'expected postgres://user:password@host/database or postgres://user@/database?host=/folder',
      )
      .optional(),
    GRAPHIUM_DATA: z.string().min(1).optional(),
    GRAPHIUM_SECRET_KEY_FILE: z.string().min(1, 'expected the path of a file').optional(),
    GRAPHIUM_HOST: z.string().default('127.0.0.1'),
    GRAPHIUM_PORT: z.coerce.number().int().min(1).max(65_535).default(4000),
    GRAPHIUM_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'expected http(s)://host[:port]' }).optional(),
    GRAPHIUM_TLS_CERT: file.optional(),
    GRAPHIUM_TLS_KEY: file.optional(),
    GRAPHIUM_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .refine((env) => (env.GRAPHIUM_TLS_CERT === undefined) === (env.GRAPHIUM_TLS_KEY === undefined), {
    path: ['GRAPHIUM_TLS_CERT'],
    error: 'GRAPHIUM_TLS_CERT and GRAPHIUM_TLS_KEY go together',
  });

/** Also the form with a Unix socket's folder in place of a host, which by the book is no URL. */
function isPostgresUrl(text: string): boolean {
  const url = URL.parse(text.replace('@/', '@localhost/'));
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== '';
}

/** @throws Error that lists every problem, one a line */
export function parseEnv(variables: NodeJS.ProcessEnv): Env {
  const result = schema.safeParse(variables);
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the environment is not right:\n${lines.join('\n')}`);
  }
  const env = result.data;
  const tls =
    env.GRAPHIUM_TLS_CERT !== undefined && env.GRAPHIUM_TLS_KEY !== undefined
      ? { cert: env.GRAPHIUM_TLS_CERT, key: env.GRAPHIUM_TLS_KEY }
      : undefined;
  const hosts = env.GRAPHIUM_HOST.split(',').map((host) => host.trim());
  const publicHost = hosts[0] === '0.0.0.0' || hosts[0] === '::' ? 'localhost' : hosts[0];
  const dataFolder = env.GRAPHIUM_DATA ?? defaultDataFolder(variables);
  return {
    databaseUrl: env.DATABASE_URL,
    dataFolder,
    secretKeyFile: env.GRAPHIUM_SECRET_KEY_FILE ?? join(dataFolder, 'secret.key'),
    hosts,
    port: env.GRAPHIUM_PORT,
    publicUrl: (env.GRAPHIUM_PUBLIC_URL ?? `${tls ? 'https' : 'http'}://${publicHost}:${env.GRAPHIUM_PORT}`).replace(
      /\/$/,
      '',
    ),
    tls,
    logLevel: env.GRAPHIUM_LOG,
  };
}

function defaultDataFolder(variables: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/graphium';
  return join(variables.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'graphium');
}
