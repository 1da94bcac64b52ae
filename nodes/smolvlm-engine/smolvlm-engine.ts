import type { Node, NodeAPI, NodeDef } from 'node-red';
import { errorBody } from '../../src/errors';
import { dialogValues } from '../../src/node-red/dialog-values';
import { registerDiscoveryAdmin } from '../../src/node-red/engine/discovery-admin';
import { registerEngineAdmin } from '../../src/node-red/engine/engine-admin';
import { type EngineNode, EngineShare } from '../../src/node-red/engine/engine-node';
import { type EngineDialog, engineSettings } from '../../src/node-red/engine/engine-settings';
import { registerModelAdmin } from '../../src/node-red/engine/model-admin';
import { failureText } from '../../src/node-red/failures/failure-text';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { missingPackage } from '../../src/system/missing-package';

interface Credentials {
  readonly token?: string;
}

export = (RED: NodeAPI): void => {
  function SmolvlmEngineNode(this: Node<Credentials>, given: NodeDef & EngineDialog): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const node = this as Node<Credentials> & {
      -readonly [K in 'engine' | 'settings' | 'fault' | 'overview']: EngineNode[K];
    };
    try {
      node.settings = engineSettings(config, node.credentials.token, RED.settings.userDir ?? process.cwd());
    } catch (error) {
      // Every message that uses the engine fails with this error, so that Catch nodes receive it.
      const failure = new NodeFailure(error, failureText(RED, 'smolvlm-engine'));
      node.error(failure);
      node.engine = () => {
        throw failure;
      };
      node.overview = async () => ({
        state: 'closed',
        frames: [],
        oldestSequence: 0,
        error: errorBody(error),
      });
      return;
    }
    const fault = node.settings.address.kind === 'local' ? missingPackage() : undefined;
    if (fault) {
      node.fault = fault;
      node.warn(new NodeFailure(fault, failureText(RED, 'smolvlm-engine')).message);
    }
    const share = new EngineShare(node.settings);
    node.engine = () => share.engine();
    node.overview = (sequence, deadline) => share.overview(sequence, deadline);
    node.on('close', (done: (error?: Error) => void) => {
      share.close().then(() => done(), done);
    });
  }
  RED.nodes.registerType('smolvlm-engine', SmolvlmEngineNode as never, {
    credentials: { token: { type: 'password' } },
  });
  registerEngineAdmin(RED);
  registerModelAdmin(RED);
  registerDiscoveryAdmin(RED);
};
