/** Gets the agent's credential: the stored one, or a new one in exchange for a join token. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentCredential, type Enrollment, enrollAgent } from './connection/api.ts';
import { createHttp } from './connection/http.ts';
import { type ApiError, toApiError } from './connection/wire.ts';
import {
  type Credential,
  CredentialError,
  checkStorable,
  findCredential,
  forgetSecret,
  secretFor,
  storeCredential,
} from './credential.ts';

export const HOW_TO_JOIN =
  'an administrator makes a join token on the page (Agents, Add an agent) or by `mutation { createJoinToken { command } }`; ' +
  'start the agent once with --join TOKEN, or with --join-file FILE';

const RETRY_MS = 3_000;
/** With these codes no server has judged the token, or its answer was lost, so asking again may help. */
const UNREACHED = new Set(['NETWORK', 'TIMEOUT', 'BAD_ANSWER', 'UNAVAILABLE', 'RATE_LIMITED']);

export type EnrollOptions = {
  server: string;
  /** The API's HTTP address. */
  url: string;
  join: string | undefined;
  name: string;
  labels: Enrollment['labels'];
  credentialPath: string;
  stop: AbortSignal;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
};

/** Throws a CredentialError if there is no credential and none can be obtained. */
export async function getCredential(options: EnrollOptions): Promise<Credential> {
  const stored = await findCredential(options.credentialPath, options.server);
  return stored ?? enroll(options);
}

/** Waits while the server cannot be reached. The new credential replaces any older one. */
export async function enroll(options: EnrollOptions): Promise<Credential> {
  const { server, url, join, name, labels, credentialPath, log } = options;
  if (!join) throw new CredentialError(`there is no credential in ${credentialPath}: ${HOW_TO_JOIN}`);
  await checkStorable(credentialPath);
  const wire = createHttp({ url, token: join });
  const secret = await secretFor(credentialPath, join);
  const answer = await untilReached(options, () => enrollAgent(wire, { name, labels, secret }));
  const credential = { server, agentId: answer.agentId, name: answer.name, secret: answer.secret };
  await storeCredential(credentialPath, credential);
  await forgetSecret(credentialPath);
  log.info({ agent: answer.name, credential: credentialPath }, 'enrolled');
  return credential;
}

async function untilReached(
  { credentialPath, stop, log }: EnrollOptions,
  ask: () => Promise<AgentCredential>,
): Promise<AgentCredential> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { code, message }: ApiError = toApiError(error);
      if (!UNREACHED.has(code)) {
        await forgetSecret(credentialPath);
        throw new CredentialError(`the server refused to enroll this agent (${code}): ${message}; ${HOW_TO_JOIN}`);
      }
      log.warn({ code, error: message, retryInMs: RETRY_MS }, 'the server cannot be reached to enroll');
      await sleep(RETRY_MS, undefined, { signal: stop });
    }
  }
}
