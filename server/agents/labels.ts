import { eq } from 'drizzle-orm';
import { type Actor, audit } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents } from '../db/tables.ts';
import type { Db } from '../db/types.ts';
import { type AgentRow, findAgent, lockAgent } from './store.ts';

const MAX_LABELS = 64;
const KEY = /^[a-zA-Z0-9][a-zA-Z0-9_./-]{0,62}$/;
const VALUE = /^[^\p{Cc}]{0,255}$/u;

/** @throws GraphiumError BAD_INPUT that names the first label that is wrong */
export function checkLabels(labels: readonly { key: string; value: string }[] | null | undefined) {
  const checked = new Map<string, string>();
  const wrong = (text: string) => new GraphiumError('BAD_INPUT', `labels: ${text}`);
  for (const { key, value } of labels ?? []) {
    if (!KEY.test(key)) throw wrong(`${JSON.stringify(key)} is no name for a label; expected ${KEY.source}.`);
    if (!VALUE.test(value)) throw wrong(`"${key}": expected a value of at most 255 characters on one line.`);
    if (checked.has(key)) throw wrong(`"${key}" is given twice.`);
    checked.set(key, value);
  }
  if (checked.size > MAX_LABELS) throw wrong(`expected at most ${MAX_LABELS}, got ${checked.size}.`);
  return Object.fromEntries(checked);
}

/** Replaces all labels of an agent. Global services follow at the next sweep; all others stay until the next deployment. */
export function setAgentLabels(db: Db, actor: Actor, name: string, labels: Record<string, string>): Promise<AgentRow> {
  return transact(db, async (tx) => {
    const found = await findAgent(tx, name);
    const agent = found && (await lockAgent(tx, found.id));
    if (!found || !agent) throw notFound('agent', name);
    await tx.update(agents).set({ labels }).where(eq(agents.id, agent.id));
    await audit(tx, actor, 'setAgentLabels', name, { before: agent.labels, after: labels });
    await notify(tx, [topic.agents]);
    return { ...found, labels };
  });
}
