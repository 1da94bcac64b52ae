/**
 * The system runs a client that was just written to on the core of the writer, as soon as that sleeps. Work that does not
 * concern the answer waits until then.
 */
const sleepMs = 10;

/** Does something once an answer has been sent and read. It does not keep the process running. */
export function afterAnswer(work: () => void): void {
  setTimeout(work, sleepMs).unref();
}
