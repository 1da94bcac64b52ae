import { errorBody } from '../../errors';

/** What runs beside an engine. */
export interface EngineService {
  close(): Promise<unknown>;
}

/** Closes the services of an engine. Never rejects: one that does not close must not keep the others and the engine open. */
export async function closeServices(
  services: readonly (EngineService | undefined)[],
  log: (line: string) => void,
): Promise<void> {
  const results = await Promise.allSettled(services.map(async (service) => service?.close()));
  for (const result of results) {
    if (result.status === 'rejected') log(`not closed cleanly: ${errorBody(result.reason).message}`);
  }
}
