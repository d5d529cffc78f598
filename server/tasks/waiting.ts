import type { TaskStatus } from './state.ts';

/** Pure: why a task has not finished yet. */
export type WaitingOn = {
  reason: 'AGENT_OFFLINE' | 'ENGINE_DOWN' | 'BLOCKED' | 'IMAGE_GATE' | 'RETRY' | 'DELAY' | 'SLOT' | 'CANCEL_REQUESTED';
  message: string;
  agent?: string | null;
  taskId?: string | null;
  since?: Date | null;
  until?: Date | null;
};

export type Waiting = {
  status: TaskStatus;
  agent: {
    name: string;
    connected: boolean;
    sessionExpiresAt: Date | null;
    engineDownSince: Date | null;
    engineProblem: string | null;
  };
  openBlockers: readonly {
    id: string;
    kind: string;
    agent: string;
    containerName: string | null;
    image: string | null;
  }[];
  /** Images that the whole deployment waits for. */
  missingImages: readonly { id: string; agent: string; image: string | null }[];
  notBefore: Date | null;
  failures: number;
  cancelRequestedAt: Date | null;
};

const BLOCKERS_SHOWN = 5;

export function waitingOn(task: Waiting): WaitingOn[] {
  if (task.status !== 'PENDING' && task.status !== 'RUNNING') return [];
  const reasons: WaitingOn[] = [];
  const { agent } = task;
  const away = whyAway(agent);
  if (away) reasons.push({ ...away, agent: agent.name });
  if (task.cancelRequestedAt) {
    const message = `${agent.name} was asked to cancel it and stops at a safe point`;
    reasons.push({ reason: 'CANCEL_REQUESTED', message, agent: agent.name, since: task.cancelRequestedAt });
  }
  if (task.status === 'RUNNING') return reasons;
  for (const blocker of task.openBlockers.slice(0, BLOCKERS_SHOWN)) {
    const what = blocker.containerName ?? blocker.image ?? 'the stack';
    const message = `${blocker.kind.toLowerCase()} of ${what} on ${blocker.agent} comes first`;
    reasons.push({ reason: 'BLOCKED', message, taskId: blocker.id, agent: blocker.agent });
  }
  for (const { id, agent, image } of task.missingImages.slice(0, BLOCKERS_SHOWN)) {
    reasons.push({
      reason: 'IMAGE_GATE',
      message: `${agent} is to have ${image ?? 'an image'} first`,
      taskId: id,
      agent,
    });
  }
  if (task.notBefore) {
    const at = task.notBefore.toISOString();
    const [reason, message] =
      task.failures > 0 ? (['RETRY', `tried again at ${at}`] as const) : (['DELAY', `a pause until ${at}`] as const);
    reasons.push({ reason, message, until: task.notBefore });
  }
  if (reasons.length === 0) {
    reasons.push({ reason: 'SLOT', message: `${agent.name} starts it when it has a free slot`, agent: agent.name });
  }
  return reasons;
}

function whyAway(agent: Waiting['agent']): Pick<WaitingOn, 'reason' | 'message' | 'since'> | undefined {
  const { name, connected, sessionExpiresAt, engineDownSince, engineProblem } = agent;
  if (!connected) {
    const since = sessionExpiresAt ? ` since ${toMinute(sessionExpiresAt)}` : ' so far: it has not connected yet';
    return { reason: 'AGENT_OFFLINE', message: `agent ${name} has been offline${since}`, since: sessionExpiresAt };
  }
  if (!engineDownSince) return undefined;
  const message = `the Docker engine of ${name} has not answered since ${toMinute(engineDownSince)}: ${engineProblem}`;
  return { reason: 'ENGINE_DOWN', message, since: engineDownSince };
}

const toMinute = (at: Date) => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
