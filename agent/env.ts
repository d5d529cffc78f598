/** Parses the command line and the environment once, and reports all problems together. No other file reads `process.env`. */
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';

export const USAGE = `Usage: npm run agent -- --server URL [--join TOKEN] [options]

  --server URL       the Graphium server, http(s)://host:port           GRAPHIUM_SERVER
  --join TOKEN       join token, needed once to enroll                  GRAPHIUM_JOIN
  --join-file FILE   file that holds the join token, which other users  GRAPHIUM_JOIN_FILE
                     of this host could read in a command line
  --name NAME        what stacks call this host (default: its hostname) GRAPHIUM_NAME
  --label KEY=VALUE  for placement; may be given several times          GRAPHIUM_LABEL (comma-separated)
  --ca FILE          certificates (PEM) to trust besides the usual      GRAPHIUM_CA
  --credential FILE  where this agent's credential is kept              GRAPHIUM_CREDENTIAL
  --policy FILE      what containers on this host may do (JSON)         GRAPHIUM_POLICY
  --docker SOCKET    Docker's Unix socket                               GRAPHIUM_DOCKER, DOCKER_HOST
  --secrets DIR      where secrets lie, on a tmpfs (default: the first  GRAPHIUM_SECRETS
                     that can be had of /run/graphium,
                     $XDG_RUNTIME_DIR/graphium and /dev/shm/graphium)
  --help

Only by environment:
  GRAPHIUM_LOG_LEVEL=info           debug, info, warn, error or silent
  GRAPHIUM_LOG_FORMAT=json          json, or pretty for people
  GRAPHIUM_TASKS=32                 tasks under way at once
  GRAPHIUM_SLOTS=4                  changes that Docker makes at once
  GRAPHIUM_PULLS=3                  images that Docker pulls at once
  GRAPHIUM_POLL_MS=5000             between polls, when no WebSocket can be had
  GRAPHIUM_STREAM_RETRY_MS=30000    between attempts to get the WebSocket again
`;

const FLAGS = {
  server: { type: 'string' },
  join: { type: 'string' },
  'join-file': { type: 'string' },
  name: { type: 'string' },
  label: { type: 'string', multiple: true },
  ca: { type: 'string' },
  credential: { type: 'string' },
  policy: { type: 'string' },
  docker: { type: 'string' },
  secrets: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type Config = {
  /** The address, without a slash at its end. */
  server: string;
  join: string | undefined;
  joinPath: string | undefined;
  name: string;
  labels: { key: string; value: string }[];
  caPath: string | undefined;
  credentialPath: string;
  policyPath: string | undefined;
  socketPath: string;
  /** Directories that may hold secrets, the best first. */
  secretsPaths: string[];
  /** Whether the user named the directory. Then it is an error if it will not do. */
  secretsAsked: boolean;
  logFormat: 'json' | 'pretty';
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  tasks: number;
  slots: number;
  pulls: number;
  pollMs: number;
  streamRetryMs: number;
  /** To be logged once, at the start. */
  warnings: string[];
};

/** The facts about this machine that the defaults depend on. */
export type Host = { hostname: string; stateHome: string; runtimeDir?: string; root: boolean };

const ROOT_CREDENTIAL = '/var/lib/graphium/agent.json';
const SECRETS = { first: '/run/graphium', last: '/dev/shm/graphium' };

export type ParsedEnv = { kind: 'run'; config: Config } | { kind: 'help' } | { kind: 'invalid'; problems: string[] };

const positive = (fallback: number) => z.coerce.number().int().positive().default(fallback);

const settings = z.object({
  server: z
    .string({ error: 'is missing' })
    .refine((text) => toServer(text) !== undefined, 'must be http(s)://host[:port]')
    .transform((text) => toServer(text) ?? { address: '', clear: false }),
  join: z.string().optional(),
  'join-file': z.string().optional(),
  name: z.string().optional(),
  label: z.array(z.string().regex(/^[^=\s]+=[^\n]*$/, 'must be KEY=VALUE')),
  ca: z.string().optional(),
  credential: z.string().optional(),
  policy: z.string().optional(),
  docker: z
    .string()
    .transform((path) => path.replace(/^unix:\/\//, ''))
    .pipe(z.string().startsWith('/', 'must be the path of a Unix socket, /… or unix:///…')),
  secrets: z.string().startsWith('/', 'must be an absolute path').optional(),
  logFormat: z.enum(['json', 'pretty']).default('json'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  tasks: positive(32),
  slots: positive(4),
  pulls: positive(3),
  pollMs: positive(5_000),
  streamRetryMs: positive(30_000),
});

type Setting = keyof z.infer<typeof settings>;

const VARIABLES: Record<Setting, string> = {
  server: 'GRAPHIUM_SERVER',
  join: 'GRAPHIUM_JOIN',
  'join-file': 'GRAPHIUM_JOIN_FILE',
  name: 'GRAPHIUM_NAME',
  label: 'GRAPHIUM_LABEL',
  ca: 'GRAPHIUM_CA',
  credential: 'GRAPHIUM_CREDENTIAL',
  policy: 'GRAPHIUM_POLICY',
  docker: 'GRAPHIUM_DOCKER',
  secrets: 'GRAPHIUM_SECRETS',
  logFormat: 'GRAPHIUM_LOG_FORMAT',
  logLevel: 'GRAPHIUM_LOG_LEVEL',
  tasks: 'GRAPHIUM_TASKS',
  slots: 'GRAPHIUM_SLOTS',
  pulls: 'GRAPHIUM_PULLS',
  pollMs: 'GRAPHIUM_POLL_MS',
  streamRetryMs: 'GRAPHIUM_STREAM_RETRY_MS',
};

type Environment = Record<string, string | undefined>;

/** A flag wins over its variable. An empty variable counts as unset. */
export function parseEnv(
  argv: readonly string[],
  env: Environment = process.env,
  host: Host = thisHost(env),
): ParsedEnv {
  const { values, problems } = parseFlags(argv);
  if (values.help) return { kind: 'help' };
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    problems.push('NODE_TLS_REJECT_UNAUTHORIZED=0 is set: there is no switch to turn verification off (see --ca)');
  }
  const parsed = settings.safeParse(gather(values, env));
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) problems.push(`${nameOf(path[0] as Setting)} ${message}`);
  }
  if (!parsed.success || problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'run', config: toConfig(parsed.data, host) };
}

function toConfig(data: z.infer<typeof settings>, host: Host): Config {
  const { server, join: token, 'join-file': joinPath, ca, credential, policy, docker, secrets, label, ...rest } = data;
  return {
    ...rest,
    server: server.address,
    join: token,
    joinPath,
    name: data.name ?? host.hostname,
    labels: label.map((text) => {
      const at = text.indexOf('=');
      return { key: text.slice(0, at), value: text.slice(at + 1) };
    }),
    caPath: ca,
    credentialPath: credential ?? (host.root ? ROOT_CREDENTIAL : join(host.stateHome, 'graphium', 'agent.json')),
    policyPath: policy,
    socketPath: docker,
    secretsPaths: secrets === undefined ? usualSecretsPaths(host) : [secrets],
    secretsAsked: secrets !== undefined,
    warnings: server.clear ? [`${server.address} is not HTTPS: this agent's token travels in clear`] : [],
  };
}

const usualSecretsPaths = ({ runtimeDir }: Host): string[] => [
  SECRETS.first,
  ...(runtimeDir ? [join(runtimeDir, 'graphium')] : []),
  SECRETS.last,
];

function parseFlags(argv: readonly string[]) {
  const problems: string[] = [];
  const { values, positionals } = parseArgs({ args: [...argv], options: FLAGS, strict: false, allowPositionals: true });
  for (const text of positionals) problems.push(`unexpected argument ${text}`);
  for (const [flag, value] of Object.entries(values)) {
    const known = FLAGS[flag as keyof typeof FLAGS];
    if (!known) problems.push(`unknown option --${flag}`);
    else if (known.type === 'string' && [value].flat().some(isNoValue)) {
      problems.push(`--${flag} needs a value`);
      delete values[flag];
    }
  }
  return { values: values as Record<string, string | string[] | boolean | undefined>, problems };
}

/** With an empty TOKEN, `--join $TOKEN --name vm1` would otherwise take `--name` for the token. */
function isNoValue(value: unknown): boolean {
  return typeof value !== 'string' || value === '' || value.startsWith('--');
}

function gather(values: Record<string, unknown>, env: Environment) {
  const gathered: Record<string, unknown> = {};
  for (const [setting, variable] of Object.entries(VARIABLES))
    gathered[setting] = values[setting] ?? (env[variable] || undefined);
  const labels = gathered.label ?? [];
  const dockerHost = env.DOCKER_HOST || undefined;
  return {
    ...gathered,
    label: typeof labels === 'string' ? labels.split(',') : labels,
    docker: gathered.docker ?? dockerHost ?? '/var/run/docker.sock',
  };
}

function nameOf(setting: Setting): string {
  const variable = VARIABLES[setting];
  if (!Object.hasOwn(FLAGS, setting)) return variable;
  return `--${setting} (${variable}${setting === 'docker' ? ', DOCKER_HOST' : ''})`;
}

function toServer(text: string): { address: string; clear: boolean } | undefined {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return undefined;
  if (url.username || url.password || url.search || url.hash) return undefined;
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const path = url.pathname.replace(/\/+$/, '').replace(/\/graphql$/, '');
  return { address: url.origin + path, clear: url.protocol === 'http:' && !loopback };
}

function thisHost(env: Environment): Host {
  const stateHome = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const runtimeDir = env.XDG_RUNTIME_DIR || undefined;
  return { hostname: hostname(), stateHome, runtimeDir, root: process.getuid?.() === 0 };
}
