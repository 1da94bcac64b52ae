import { isErrorBody, SmolvlmError } from '../../errors';
import type { DoctorReport } from '../../protocol/doctor-report';
import type { HubStatus } from '../hub-status';
import { type NatsLink, words } from '../nats-connection';
import { permissionError } from '../nats-permission';

/** How long hubs may take to answer a question about themselves. */
const hubsMs = 2_000;
const doctorMs = 30_000;

/** What each hub says about itself; those that do not answer in time are left out. @throws SmolvlmError `nats-permission` */
export async function hubStatuses({ connection, subjects }: NatsLink): Promise<HubStatus[]> {
  const answers = await connection.requestMany(subjects.hubsStatus, undefined, {
    maxWait: hubsMs,
    strategy: 'stall',
    stall: 300,
  });
  const hubs: HubStatus[] = [];
  try {
    for await (const message of answers) hubs.push(answerOf(message.string()) as HubStatus);
  } catch (error) {
    // This is how the server reports that no hub is connected.
    if (!/no responders|503/i.test(words(error))) throw permissionError(error) ?? error;
  }
  return hubs;
}

/**
 * The report of one of the hubs, whichever is first.
 * @param place of the server, for the error @throws SmolvlmError `nats-no-hub`, `nats-permission`, the hub's error
 */
export async function hubDoctor(
  { connection, subjects }: NatsLink,
  place: string,
  model: string,
): Promise<DoctorReport> {
  let text: string;
  try {
    text = (await connection.request(subjects.hubsDoctor, model, { timeout: doctorMs })).string();
  } catch (cause) {
    throw (
      permissionError(cause) ??
      new SmolvlmError('nats-no-hub', `no hub answers at ${place}: ${words(cause)}`, { cause })
    );
  }
  return answerOf(text) as DoctorReport;
}

/** @throws SmolvlmError the hub's error */
function answerOf(text: string): unknown {
  const answer = JSON.parse(text) as { readonly value?: unknown; readonly error?: unknown };
  if (isErrorBody(answer.error)) throw SmolvlmError.from(answer.error);
  return answer.value;
}
