import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures';
import { pythonPrograms } from '../../python-programs';

export { hasPython } from '../../python-programs';

export const clientsFolder = join(repositoryRoot, 'test', 'server', 'clients');

/** The folder of programs of an environment with the clients, which is made if it does not exist. */
export function pythonClients(): Promise<string> {
  return pythonPrograms('openai-clients', join(clientsFolder, 'requirements.txt'));
}
