import { connect, type Socket } from 'node:net';

type Target = { path?: string | undefined; host: string | readonly string[]; port: number | readonly number[] };

/**
 * Opens a socket for the driver that tells of its end a moment late. The driver writes at the end of a turn; if the
 * connection closes within that turn it forgets to write, and the connection is of no use for ten seconds and more
 * (porsager/postgres, `nextWriteTimer` in `closed()`).
 */
export function openSocket({ path, host, port }: Target, isWatched = true): Socket {
  const [firstHost = '', firstPort = 5432] = [[host].flat()[0], [port].flat()[0]];
  const socket = path ? connect(path) : connect(firstPort, firstHost);
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  let isUnheard = true;
  const emitLate = (event: string | symbol, ...args: unknown[]) => {
    if (event === 'data' || event === 'error') isUnheard = false;
    if (event !== 'close') return emit(event, ...args);
    setTimeout(() => {
      // As of a proxy without a Postgres: the driver would connect again at once, without a pause, an end or a word.
      if (isUnheard && socket.listenerCount('error') > 0) emit('error', closedUnheard());
      // Never "after an error": the driver would then leave unanswered what it was asked since.
      emit(event, false);
    });
    return true;
  };
  if (isWatched) watch(socket);
  // The driver takes the name that a certificate must be for from here.
  return Object.assign(socket, { emit: emitLate, host: firstHost });
}

const closedUnheard = () =>
  Object.assign(new Error('the connection was closed before Postgres said anything'), { code: 'CONNECTION_CLOSED' });

/** In milliseconds; longer than a statement may take. */
const SILENCE = 60_000;

/**
 * Ends a connection that was written to and has been silent since: a firewall may have forgotten it, and the query, with
 * everything that waits for it, would hang for as long as the system tries to send again.
 */
function watch(socket: Socket): void {
  let timer: NodeJS.Timeout | undefined;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const disarm = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  socket.on('data', disarm).on('close', disarm);
  Object.assign(socket, {
    write(...args: unknown[]) {
      timer ??= setTimeout(() => {
        socket.destroy(Object.assign(new Error('Postgres has been silent for too long'), { code: 'ETIMEDOUT' }));
      }, SILENCE).unref();
      return write(...args);
    },
  });
}
