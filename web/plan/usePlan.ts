import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';
import { localProblem, type Problem, toProblem } from '../errors.ts';
import { type Plan, type PlanInput, PlanStack } from './documents.ts';

export type Planning = {
  /** The latest answer. It may be about an older input; see `isCurrent`. */
  plan: Plan | null;
  problem: Problem | null;
  /** Whether the answer is about the input as it is now. */
  isCurrent: boolean;
  busy: boolean;
  /** Asks again without a pause. */
  again: () => void;
};

type Answer = { about: string; plan: Plan | null; problem: Problem | null };

const NOTHING: Answer = { about: '', plan: null, problem: null };

/**
 * What an operation would do. Asked `pauseMs` after the last change of `input`, and never a second time while an answer is
 * awaited: planning takes a lock on the server. Null asks nothing.
 */
export function usePlan(input: PlanInput | null, pauseMs: number): Planning {
  const client = useClient();
  const [answer, setAnswer] = useState(NOTHING);
  const [busy, setBusy] = useState(false);
  const [round, setRound] = useState({ number: 0, hurry: false });
  const question = input && JSON.stringify(input);
  const about = `${round.number}:${question}`;
  const open = question !== null && answer.about !== about;
  const { hurry } = round;
  useEffect(() => {
    if (!open || busy) return;
    const ask = async () => {
      setBusy(true);
      const { data, error } = await client.query(PlanStack, { input: JSON.parse(question) }).toPromise();
      const plan = data?.planStack ?? null;
      const silence = localProblem('NO_DATA', 'The server sent an empty answer.');
      setAnswer({ about, plan, problem: error ? toProblem(error) : plan ? null : silence });
      setRound((now) => (now.hurry ? { ...now, hurry: false } : now));
      setBusy(false);
    };
    const timer = setTimeout(() => void ask(), hurry ? 0 : pauseMs);
    return () => clearTimeout(timer);
  }, [client, about, question, open, busy, hurry, pauseMs]);
  const again = useCallback(() => setRound((now) => ({ number: now.number + 1, hurry: true })), []);
  if (question === null) return { plan: null, problem: null, isCurrent: false, busy, again };
  const { plan, problem } = answer;
  return { plan, problem, isCurrent: !open && !busy, busy: busy || (open && hurry), again };
}
