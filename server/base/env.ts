import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { LogFormat } from './log.ts';
import { isLoopback, machineAddress, type PublicUrl } from './server-url.ts';

/** The environment, read once. All its problems are reported together. */
export type Env = {
  databaseUrl: string | undefined;
  /** The embedded Postgres keeps its data here, and the key of the secrets is here unless it is said to be elsewhere. */
  dataFolder: string;
  /** Holds the key that seals secrets; it is made when it is not there. */
  secretKeyFile: string;
  hosts: string[];
  port: number;
  publicUrl: PublicUrl;
  tls: { cert: string; key: string } | undefined;
  logLevel: string;
  logFormat: LogFormat;
};

/** The server's settings are all in the environment: what somebody gives it as arguments would be ignored in silence. */
export const USAGE = `Usage: npm start

Settings are environment variables:
  DATABASE_URL              postgres://user:password@host/database (default: an embedded Postgres)
  GRAPHIUM_DATA             folder of the embedded Postgres and of the key
  GRAPHIUM_SECRET_KEY_FILE  key that seals secrets and the values of variables
  GRAPHIUM_HOST             addresses to listen on, separated by commas (default: 127.0.0.1)
  GRAPHIUM_PORT             port to listen on (default: 4000)
  GRAPHIUM_PUBLIC_URL       address under which others reach the server
  GRAPHIUM_TLS_CERT         certificate (PEM) for HTTPS, together with
  GRAPHIUM_TLS_KEY          its key
  GRAPHIUM_LOG_LEVEL        debug, info, warn, error or silent (default: info)
  GRAPHIUM_LOG_FORMAT       json, or pretty for people (default: json)
`;

const fileContent = z.string().transform((path, context) => {
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
    GRAPHIUM_TLS_CERT: fileContent.optional(),
    GRAPHIUM_TLS_KEY: fileContent.optional(),
    GRAPHIUM_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    GRAPHIUM_LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
    // Its old name: to ignore it would change in silence what is logged.
    GRAPHIUM_LOG: z.undefined('GRAPHIUM_LOG is now GRAPHIUM_LOG_LEVEL').optional(),
  })
  .refine((env) => (env.GRAPHIUM_TLS_CERT === undefined) === (env.GRAPHIUM_TLS_KEY === undefined), {
    path: ['GRAPHIUM_TLS_CERT'],
    error: 'GRAPHIUM_TLS_CERT and GRAPHIUM_TLS_KEY go together',
  });

/** Accepts also the form with a Unix socket's folder in place of a host, which by the book is no URL. */
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
  return toEnv(result.data, defaultDataFolder(variables));
}

function toEnv(env: z.infer<typeof schema>, defaultFolder: string): Env {
  const { GRAPHIUM_TLS_CERT: cert, GRAPHIUM_TLS_KEY: key } = env;
  const tls = cert !== undefined && key !== undefined ? { cert, key } : undefined;
  const hosts = env.GRAPHIUM_HOST.split(',').map((host) => host.trim());
  const dataFolder = env.GRAPHIUM_DATA ?? defaultFolder;
  const url = env.GRAPHIUM_PUBLIC_URL ?? defaultUrl(tls !== undefined, hosts[0] ?? '', env.GRAPHIUM_PORT);
  return {
    databaseUrl: env.DATABASE_URL,
    dataFolder,
    secretKeyFile: env.GRAPHIUM_SECRET_KEY_FILE ?? join(dataFolder, 'secret.key'),
    hosts,
    port: env.GRAPHIUM_PORT,
    publicUrl: { url: url.replace(/\/$/, ''), isGiven: env.GRAPHIUM_PUBLIC_URL !== undefined },
    tls,
    logLevel: env.GRAPHIUM_LOG_LEVEL,
    logFormat: env.GRAPHIUM_LOG_FORMAT,
  };
}

/** The first address to listen on, where a client can connect to it. */
function defaultUrl(isTls: boolean, host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const reached = isAny ? (machineAddress() ?? 'localhost') : host;
  return `${isTls ? 'https' : 'http'}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** What the one who starts the server should know before others reach it; undefined if all is well. */
export function warningOf({ hosts, tls, publicUrl }: Env): string | undefined {
  if (tls || hosts.every(isLoopback) || publicUrl.url.startsWith('https:')) return undefined;
  return `the server speaks plain HTTP on ${hosts.join(', ')}: tokens and secrets travel in clear. Set GRAPHIUM_TLS_CERT and GRAPHIUM_TLS_KEY, or listen on 127.0.0.1 behind a proxy that has a certificate`;
}

function defaultDataFolder(variables: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/graphium';
  return join(variables.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'graphium');
}
