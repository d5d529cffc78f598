import { connect, type Socket } from 'node:net';

type Target = { path?: string | undefined; host: string | readonly string[]; port: number | readonly number[] };

/**
 * Opens a socket for the driver that tells of its end a moment late. The driver writes at the end of a turn; if the
 * connection closes within that turn it forgets to write, and the connection is of no use for ten seconds and more
 * (porsager/postgres, `nextWriteTimer` in `closed()`).
 */
export function openSocket({ path, host, port }: Target): Socket {
  const [firstHost = '', firstPort = 5432] = [[host].flat()[0], [port].flat()[0]];
  const socket = path ? connect(path) : connect(firstPort, firstHost);
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  const emitLate = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'close') return emit(event, ...args);
    // Never "after an error": the driver would then leave unanswered what it was asked since.
    setTimeout(() => emit(event, false));
    return true;
  };
  // The driver takes the name that a certificate must be for from here.
  return Object.assign(socket, { emit: emitLate, host: firstHost });
}
