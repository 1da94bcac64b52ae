import { connect } from 'node:net';

/** What `sockaddr_un` has room for, without the final zero. */
export const longestSocketPathBytes = 107;

/**
 * Whether a process listens on a unix socket. Only a refused connection proves that none does: a full backlog, for
 * example, does not.
 */
export function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      resolve(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')));
    });
  });
}
