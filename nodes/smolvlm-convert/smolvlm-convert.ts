import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { type CommandStep, runCommandChild } from '../../src/client/command-child';
import { SmolvlmError } from '../../src/errors';
import { type ConversionDialog, type ConversionMessage, planConversion } from '../../src/node-red/conversion';
import { NodeFailure } from '../../src/node-red/node-failure';
import type { NodeStatus } from '../../src/node-red/node-status';

type Message = NodeMessageInFlow & ConversionMessage & { cancel?: boolean };

export = (RED: NodeAPI): void => {
  function SmolvlmConvertNode(this: Node, config: NodeDef & ConversionDialog): void {
    RED.nodes.createNode(this, config);
    const words = (key: string, values: Record<string, string | number> = {}): string =>
      RED._(`smolvlm-convert.status.${key}`, values as never);
    const show = (fill: NodeStatus['fill'], shape: NodeStatus['shape'], text: string): void =>
      this.status({ fill, shape, text });
    let underWay: AbortController | undefined;
    show('grey', 'ring', words('idle'));

    const run = async (message: Message, send: (out: (NodeMessage | null)[]) => void): Promise<void> => {
      const { mode, steps } = planConversion(config, message);
      if (underWay) {
        throw new SmolvlmError('convert-busy', 'a conversion is under way in this node', {
          hint: 'Wait for it, or stop it with msg.cancel = true.',
        });
      }
      underWay = new AbortController();
      try {
        let payload: Record<string, unknown> = {};
        for (const args of steps) {
          const onProgress = (step: CommandStep): void => {
            const percent = Math.round((100 * step.done) / Math.max(1, step.total));
            show('blue', 'dot', words('working', { ...step, percent }));
            send([null, { payload: { ...step, percent }, topic: mode } as NodeMessage]);
          };
          const { document } = await runCommandChild(args, { signal: underWay.signal, onProgress });
          payload = { ...payload, ...(args[0] === 'pack' ? { archive: document } : (document as object)) };
        }
        const passed = payload.pass !== false;
        show(passed ? 'green' : 'red', 'dot', words(passed ? `done.${mode}` : 'missed'));
        send([Object.assign(message, { payload }) as NodeMessage, null]);
      } finally {
        underWay = undefined;
      }
    };

    this.on('input', (message: Message, send: (out: (NodeMessage | null)[]) => void, done) => {
      if (message.cancel === true) {
        underWay?.abort(new SmolvlmError('convert-cancelled', 'the conversion was cancelled'));
        done();
        return;
      }
      run(message, send).then(
        () => done(),
        (error: unknown) => {
          const failure = new NodeFailure(error);
          // A message refused while another is at work says nothing about that one.
          if (!underWay) show('red', failure.code === 'convert-cancelled' ? 'ring' : 'dot', failure.code);
          done(failure);
        },
      );
    });
    this.on('close', () => underWay?.abort(new SmolvlmError('convert-cancelled', 'the flow was stopped')));
  }
  RED.nodes.registerType('smolvlm-convert', SmolvlmConvertNode as never);
};
