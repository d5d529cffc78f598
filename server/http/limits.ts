import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import type { GraphQLError } from 'graphql';
import { type Plugin, useExecutionCancellation } from 'graphql-yoga';
import { GraphiumError } from '../base/errors.ts';
import { costPlugin } from './cost.ts';
import { turnsPlugin } from './turns.ts';

/** How much one request may ask for, the same over HTTP and WebSocket. */
export const LIMITS = {
  bodyBytes: 1024 * 1024,
  frameBytes: 256 * 1024,
  connectionInitMs: 3_000,
  subscriptionsPerSocket: 50,
  socketsPerToken: 100,
  /** Of people, and of whoever has not said yet who it is. */
  socketsPerAddress: 1_000,
  /** Of one address. */
  failedTokensPerMinute: 100,
  /** Queries and mutations of one token. */
  turns: { atATime: 4, waiting: 100 },
  /** Those of one address, whatever its tokens: connections to the database are left for others. */
  turnsOfAddress: { atATime: 8, waiting: 400 },
  /** At a time, over whatever connections; each is read anew with every change. */
  subscriptions: { ofToken: 200, ofAddress: 2_000 },
  depth: 10,
  /** A page of 500 with all its fields fits. */
  cost: 50_000,
  /** What a subscription asks for is read again with each change. */
  subscriptionCost: 10_000,
  aliases: 30,
  directives: 20,
  tokens: 2_000,
} as const;

export function limitPlugins(): Plugin[] {
  const onReject = [
    (_context: unknown, error: GraphQLError) => {
      error.extensions.code = 'LIMIT_EXCEEDED';
    },
  ];
  return [
    maxTokensPlugin({ n: LIMITS.tokens, onReject }),
    maxDepthPlugin({ n: LIMITS.depth, onReject }),
    maxAliasesPlugin({ n: LIMITS.aliases, onReject }),
    maxDirectivesPlugin({ n: LIMITS.directives, onReject }),
    costPlugin(LIMITS.cost, LIMITS.subscriptionCost),
    // What nobody waits for any more stops.
    useExecutionCancellation(),
    turnsPlugin(LIMITS.turns, LIMITS.turnsOfAddress, LIMITS.subscriptions),
    jsonBodies(),
  ];
}

/** Reading on for so long lets a client get the answer instead of a broken connection. */
const DRAIN_BYTES = 16 * 1024 * 1024;

/**
 * Takes JSON of limited size by POST and nothing else: any page of another origin could send forms and multipart without
 * the browser asking first.
 */
function jsonBodies(): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method !== 'POST') return;
      setRequestParser(async () => {
        const type = request.headers.get('content-type') ?? '';
        if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
          throw new GraphiumError('BAD_INPUT', 'Expected a POST with content-type application/json.', {
            http: { status: 415 },
          });
        }
        const body = parse(await readText(request));
        if (typeof body !== 'object' || body === null || Array.isArray(body)) {
          throw new GraphiumError('BAD_INPUT', 'Expected one JSON object with "query".', { http: { status: 400 } });
        }
        return body;
      });
    },
  };
}

async function readText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes <= LIMITS.bodyBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (bytes > DRAIN_BYTES) break;
    }
  } catch {
    throw new GraphiumError('BAD_INPUT', 'The body ended before all of it was there.', { http: { status: 400 } });
  }
  if (bytes > LIMITS.bodyBytes) {
    throw new GraphiumError('TOO_LARGE', `The request is larger than ${LIMITS.bodyBytes} bytes.`, {
      http: { status: 413 },
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GraphiumError('BAD_INPUT', 'The body is not JSON.', { http: { status: 400 } });
  }
}
