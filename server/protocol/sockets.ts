import type { Logger } from 'pino';
import { checkSession, endSession, renewSessions } from '../agents/store.ts';
import type { Bus } from '../base/live.ts';
import { notify, topic } from '../db/notify.ts';
import type { Db } from '../db/types.ts';

/** What sessions need of a WebSocket. */
export type Socket = {
  close(code: number, reason: string): void;
  /** When something last came over it, by `performance.now()`. */
  heardAt: number;
  /** Set once an agent has opened its session over it. */
  session?: { agentId: string; epoch: number };
  /** Set when it has closed, which can happen before the session that it asked for is open. */
  closed?: boolean;
};

export const CLOSE_REPLACED = 4410;
export const CLOSE_FORBIDDEN = 4403;

/**
 * The sockets of this process that carry an agent's session. An open socket renews its session's lease (one statement for
 * all of them) and is closed when the session is no longer the newest. A lease counts from when something was last heard: an
 * open socket may lead to a host that is gone.
 */
export type AgentSockets = {
  attach(socket: Socket, session: { agentId: string; epoch: number }): void;
  /** @param graceful the agent closed it on purpose, so that its session ends now and not with its lease */
  detach(socket: Socket, graceful: boolean): Promise<void>;
  renew(): Promise<void>;
  agentIds(): string[];
};

export function createAgentSockets(db: Db, bus: Bus, log: Logger): AgentSockets {
  const open = new Map<Socket, () => void>();

  function replaced(socket: Socket) {
    socket.close(CLOSE_REPLACED, 'replaced by a newer session, or the agent was removed');
  }

  return {
    attach(socket, session) {
      if (socket.closed) return;
      open.get(socket)?.();
      socket.session = session;
      const check = () =>
        checkSession(db, session.agentId, session.epoch).catch((error: unknown) => {
          if (error instanceof Error && 'code' in error && error.code === 'SESSION_LOST') replaced(socket);
          else log.warn({ err: error }, 'cannot check a session now');
        });
      open.set(
        socket,
        bus.on([topic.session(session.agentId)], () => void check()),
      );
      // A newer session may have been announced between opening this one and listening.
      void check();
    },
    async detach(socket, graceful) {
      socket.closed = true;
      open.get(socket)?.();
      open.delete(socket);
      if (!graceful || !socket.session) return;
      await endSession(db, socket.session.agentId, socket.session.epoch);
      await notify(db, [topic.agents, topic.tasks, topic.stacks]);
    },
    async renew() {
      const now = performance.now();
      const sockets = [...open.keys()].filter((socket) => socket.session !== undefined);
      const sessions = sockets.flatMap(({ session, heardAt }) =>
        session ? [{ ...session, silentSeconds: (now - heardAt) / 1_000 }] : [],
      );
      if (sessions.length === 0) return;
      const renewed = await renewSessions(db, sessions);
      for (const socket of sockets) {
        if (socket.session && renewed.get(socket.session.agentId) !== socket.session.epoch) replaced(socket);
      }
    },
    agentIds: () => [...open.keys()].flatMap((socket) => (socket.session ? [socket.session.agentId] : [])),
  };
}
