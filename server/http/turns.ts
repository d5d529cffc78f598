/**
 * Lets a token have a few operations carried out at a time, and an address some more: who asks for much takes their own time,
 * not the others'. The next ones wait for their turn, and too many are refused, as are too many subscriptions at a time;
 * agents have connections of their own, and many of them may share an address.
 */
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { GraphiumError } from '../base/errors.ts';
import type { Context } from '../schema/context.ts';
import { createPresence, networkOf } from './presence.ts';

type Limits = { atATime: number; waiting: number };
type Waiting = { go(): void };

const RETRY_AFTER_SECONDS = 2;

export function turnsPlugin(
  ofToken: Limits,
  ofAddress: Limits,
  subscriptions: { ofToken: number; ofAddress: number },
): Plugin {
  const tokens = createTurns(ofToken, 'This token');
  const addresses = createTurns(ofAddress, 'This address');
  const streams = createPresence();
  return {
    onSubscribe({ args, setResultAndStopExecution }) {
      const { caller, address } = args.contextValue as unknown as Context;
      if (caller?.kind === 'AGENT') return undefined;
      const keys = [caller?.tokenId ?? `none, from ${address}`, networkOf(address)] as const;
      const most = [subscriptions.ofToken, subscriptions.ofAddress];
      const full = keys.findIndex((key, index) => streams.of(key) >= (most[index] ?? 0));
      if (full >= 0) {
        const who = full === 0 ? 'This token' : 'This address';
        setResultAndStopExecution(toResult(tooMany(who, `${most[full]} subscriptions`)));
        return undefined;
      }
      const leaves = keys.map((key) => streams.enter(key));
      const end = () => {
        for (const leave of leaves) leave();
      };
      return {
        onSubscribeResult: ({ result }) => {
          if (!isAsyncIterable(result)) end();
          return { onEnd: end };
        },
        onSubscribeError: end,
      };
    },
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn(async (args: ExecutionArgs) => {
        const { caller, address, request } = args.contextValue as Context & { request?: Request };
        const signal = request?.signal;
        const work = () => executeFn(args);
        const inTurn = caller?.kind === 'AGENT' ? work : () => addresses.take(networkOf(address), work, signal);
        return tokens.take(caller?.tokenId ?? `none, from ${address}`, inTurn, signal).catch(toResult);
      });
    },
  };
}

/** An operation that throws would end its whole socket. */
function toResult(error: unknown): { errors: GraphQLError[] } {
  if (!(error instanceof GraphiumError)) throw error;
  return { errors: [new GraphQLError(error.message, { originalError: error })] };
}

export type Turns = {
  /** @throws GraphiumError RATE_LIMITED; what the signal was aborted with if that happens before its turn */
  take<T>(key: string, work: () => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The number of keys that something is carried out for. */
  size(): number;
};

/** @param who what an error calls the owner of a key */
export function createTurns({ atATime, waiting }: Limits, who = 'This token'): Turns {
  const busy = new Map<string, { running: number; queue: Set<Waiting> }>();

  async function take<T>(key: string, work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const state = busy.get(key) ?? { running: 0, queue: new Set<Waiting>() };
    busy.set(key, state);
    if (state.running < atATime) state.running += 1;
    else if (state.queue.size >= waiting) throw refused(who, atATime + waiting);
    // Who ends hands its place over, so nobody can come in between.
    else await untilTurn(state.queue, signal);
    try {
      return await work();
    } finally {
      const [next] = state.queue;
      if (next) next.go();
      else state.running -= 1;
      if (state.running === 0) busy.delete(key);
    }
  }
  return { take, size: () => busy.size };
}

function untilTurn(queue: Set<Waiting>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      queue.delete(waiting);
      signal?.removeEventListener('abort', giveUp);
    };
    const waiting = {
      go() {
        leave();
        resolve();
      },
    };
    const giveUp = () => {
      leave();
      reject(signal?.reason);
    };
    queue.add(waiting);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

const refused = (who: string, allowed: number) => tooMany(who, `${allowed} operations`);

const tooMany = (who: string, what: string) =>
  new GraphiumError(
    'RATE_LIMITED',
    `${who} has ${what} under way, and no more are taken. Try again in ${RETRY_AFTER_SECONDS} s.`,
    {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      http: { status: 429, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } },
    },
  );
