import { ApiError, fromGraphQLErrors, messageOf, type Wire } from './wire.ts';

export type HttpOptions = { url: string; token: string; timeoutMs?: number };

/** Sends operations by POST: for enrollment, for polling, and for what is too big for one frame. */
export function createHttp({ url, token, timeoutMs = 15_000 }: HttpOptions): Wire {
  const underWay = new Set<AbortController>();
  const ended = Promise.withResolvers<ApiError>();
  let over: ApiError | undefined;

  const close = () => {
    if (over) return;
    over = new ApiError('CLOSED', 'the connection was closed by this agent');
    for (const controller of underWay) controller.abort(over);
    ended.resolve(over);
  };

  const request = async (query: string, variables: unknown) => {
    if (over) throw over;
    const controller = new AbortController();
    const late = new ApiError('TIMEOUT', `no answer within ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => controller.abort(late), timeoutMs);
    underWay.add(controller);
    try {
      return await post(url, token, JSON.stringify({ query, variables }), controller.signal);
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason;
      throw error instanceof ApiError ? error : new ApiError('NETWORK', messageOf(error));
    } finally {
      clearTimeout(timer);
      underWay.delete(controller);
    }
  };

  const subscribe = () => {
    throw new Error('a polling connection has no subscriptions');
  };

  return { transport: 'POLL', closed: ended.promise, request, subscribe, close, leave: async () => close() };
}

async function post(url: string, token: string, body: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
    },
    body,
    signal,
    // A redirect would carry the token to an address that nobody chose.
    redirect: 'error',
  });
  const answer = parseAnswer(await response.text());
  if (!answer) throw new ApiError('BAD_ANSWER', `HTTP ${response.status}, and not from a Graphium server`);
  if (answer.errors?.length) throw fromGraphQLErrors(answer.errors);
  return answer.data;
}

function parseAnswer(text: string): { data?: unknown; errors?: unknown[] } | undefined {
  try {
    const answer = JSON.parse(text) as { data?: unknown; errors?: unknown[] } | null;
    return answer?.data !== undefined || Array.isArray(answer?.errors) ? (answer ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}
