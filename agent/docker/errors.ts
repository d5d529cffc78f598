/**
 * Classifies what can go wrong with Docker, by predicate. Docker has hardly any error codes, so some predicates read its
 * messages; each message was seen from an engine between 20.10 and 29.
 *
 * The table says whether the server retries a task by itself, with back-off. It does where time alone may help. It does
 * not where somebody has to act first, because each try of a replacement may interrupt the previous container:
 *
 *     ENGINE_UNREACHABLE, NAME_NOT_FREE, TIMEOUT                            yes
 *     PULL_FAILED    registry not reached, 5xx, cut off, too many requests  yes
 *     IMAGE_NOT_FOUND, IMAGE_MISSING, PULL_DENIED                           no
 *     PORT_IN_USE    what has a port mostly keeps it                        no
 *     NAME_CONFLICT, NETWORK_CONFLICT, STALE_REVISION                       no
 *     NETWORK_MISSING, VOLUME_MISSING, VOLUME_CONFLICT                      no
 *     POLICY_DENIED, SPEC_UNSUPPORTED, ENGINE_TOO_OLD, SECRETS_UNSUPPORTED  no
 *     HEALTH_CHECK_FAILED, HEALTH_CHECK_TIMEOUT, CONTAINER_EXITED           no
 *     HEALTH_CHECK_TIMEOUT    Docker did not run the check at all           yes
 *     CONTAINER_MISSING    somebody removed it during the check             no
 *     CREATE_FAILED, START_FAILED, STOP_FAILED, RENAME_FAILED, REMOVE_FAILED
 *                    the engine's trouble of the moment (`isTransient`)     yes
 *                    all else                                               no
 */
import type { TaskFailure } from '../base/outcome.ts';

/** A call to the engine failed. */
export class EngineError extends Error {
  /** The HTTP status, or null if the engine did not answer (not running, connection lost, too slow). */
  readonly status: number | null;
  /** Docker's own words. */
  readonly detail: string;
  constructor(what: string, status: number | null, detail: string) {
    super(`${what}: ${detail}`);
    this.name = 'EngineError';
    this.status = status;
    this.detail = detail;
  }
}

/** Ends a task as FAILED. */
export class TaskError extends Error {
  readonly failure: TaskFailure;
  readonly retryable: boolean;
  constructor(failure: TaskFailure, retryable = false) {
    super(failure.message);
    this.name = 'TaskError';
    this.failure = failure;
    this.retryable = retryable;
  }
}

const says = (error: unknown, status: number[], words?: RegExp): boolean =>
  error instanceof EngineError &&
  error.status !== null &&
  status.includes(error.status) &&
  (words === undefined || words.test(error.detail));

export const isUnreachable = (error: unknown): boolean => error instanceof EngineError && error.status === null;
/** The engine took the call and did not answer within its limit, though it may answer others. */
export const isHang = (error: unknown): boolean =>
  (error instanceof EngineError || error instanceof TaskError) && /no answer within \d/.test(error.message);
const isBadRequest = (error: unknown): boolean => says(error, [400]);
export const isNotFound = (error: unknown): boolean => says(error, [404]);
export const isConflict = (error: unknown): boolean => says(error, [409]);
/** It is no name that an image can have. Podman takes that for a failure of its own. */
export const isInvalidImageName = (error: unknown): boolean =>
  isBadRequest(error) || says(error, [500], /must be lowercase|invalid reference format/i);
/** A container has the name, perhaps one that is just being removed (moby #37698). */
export const isNameTaken = (error: unknown): boolean =>
  says(error, [409], /already in use|already reserved|name .*(conflict|reserved)/i);
export const isRemovalUnderWay = (error: unknown): boolean =>
  says(error, [409], /removal of container .* in progress/i);
export const isImageMissing = (error: unknown): boolean => says(error, [404], /no such image|image .*not found/i);
export const isNetworkMissing = (error: unknown): boolean =>
  says(
    error,
    [400, 403, 404, 409, 500],
    /network \S+ not found|no such network|network \S+ is ambiguous|could not find network|unable to find network/i,
  );
export const isNetworkInUse = (error: unknown): boolean => says(error, [400, 403, 409], /active endpoints/i);
export const isPoolOverlap = (error: unknown): boolean =>
  says(
    error,
    [400, 403, 409, 500],
    /pool overlaps|overlaps with other one|conflicts with network|is already used on the host/i,
  );
export const isPortTaken = (error: unknown): boolean =>
  says(error, [400, 409, 500], /port is already allocated|address already in use|ports are not available/i);
/** The engine has trouble at the moment; the request is not at fault. */
export const isTransient = (error: unknown): boolean =>
  says(error, [502, 503, 504]) ||
  says(
    error,
    [500],
    /deadline exceeded|context canceled|connection (refused|reset)|transport is closing|unavailable|temporarily|i\/o timeout|shutting down|resource busy|did not receive an exit event|EOF$/i,
  );

/** What a shell would say of a command that cannot be run. Podman keeps no exit code of a container that never ran. */
export function exitCodeOfStart(error: unknown): number | undefined {
  if (says(error, [400, 403, 500], /exec.*permission denied/i)) return 126;
  if (says(error, [400, 404, 500], /executable file .*not found|exec.*no such file or directory/i)) return 127;
  return undefined;
}

/** What was being done, as the message puts it, and the code to use if the error says nothing more precise. */
export type Doing = { code: string; what: string };

export function toTaskError(error: unknown, { code, what }: Doing): TaskError {
  if (error instanceof TaskError) return error;
  const detail = error instanceof EngineError ? error.detail : String(error);
  const fail = (errorCode: string, advice: string, retryable = false) =>
    new TaskError({ code: errorCode, message: `${what}: ${detail}${advice && `. ${advice}`}` }, retryable);
  if (isUnreachable(error)) return fail('ENGINE_UNREACHABLE', 'Is the Docker engine of this host running?', true);
  if (isPortTaken(error)) return fail('PORT_IN_USE', 'Stop what uses the port on this host, or publish another one.');
  if (isImageMissing(error)) return fail('IMAGE_NOT_FOUND', '');
  if (isPoolOverlap(error))
    return fail('NETWORK_CONFLICT', 'Choose another subnet, or remove the network that has it.');
  if (isNameTaken(error)) return fail('NAME_NOT_FREE', 'Docker has not let go of the name yet.', true);
  if (isTransient(error) || isRemovalUnderWay(error)) return fail(code, 'This may pass by itself.', true);
  return fail(code, '');
}

/** An error of a pull comes as a status, or as text inside a stream that began with 200. */
export function toPullError(image: string, error: unknown): TaskError {
  if (error instanceof TaskError) return error;
  if (isUnreachable(error)) return toTaskError(error, { code: 'PULL_FAILED', what: `Pulling ${image}` });
  const detail = error instanceof EngineError ? error.detail : String(error);
  const fail = (code: string, advice: string, retryable: boolean) =>
    new TaskError({ code, message: `Pulling ${image}: ${detail.trim()}. ${advice}` }, retryable);
  if (isTransient(error) || /toomanyrequests|rate limit/i.test(detail)) {
    return fail('PULL_FAILED', 'This may pass by itself.', true);
  }
  // Docker Hub gives the same answer for "private" and for "does not exist".
  if (/may require 'docker login'|requested access to the resource is denied/i.test(detail)) {
    return fail(
      'IMAGE_NOT_FOUND',
      'Check the name. If the image is private, run docker pull on the host: Graphium pulls without credentials.',
      false,
    );
  }
  if (/unauthorized|authentication required|no basic auth|access denied|403 forbidden|denied:/i.test(detail)) {
    return fail(
      'PULL_DENIED',
      'The registry wants credentials, and Graphium pulls without any: run docker login and docker pull on the host.',
      false,
    );
  }
  if (/invalid reference|repository name|must be lowercase/i.test(detail) || says(error, [400])) {
    return fail('IMAGE_NOT_FOUND', 'Docker does not take this for the name of an image.', false);
  }
  if (
    /manifest unknown|manifest for .* not found|no matching manifest|name unknown|does not exist|: not found/i.test(
      detail,
    )
  ) {
    return fail('IMAGE_NOT_FOUND', 'Check the name, the tag and the architecture.', false);
  }
  return fail('PULL_FAILED', 'This may pass by itself.', true);
}
