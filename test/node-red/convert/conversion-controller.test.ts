import assert from 'node:assert/strict';
import type { CommandChildOptions, CommandEnd } from '../../../src/client/children/command-child';
import { SmolvlmError } from '../../../src/errors';
import { ConversionController } from '../../../src/node-red/convert/conversion-controller';
import type { ConversionPlan } from '../../../src/node-red/convert/conversion-plan';
import type { NodeStatus } from '../../../src/node-red/status/node-status';

/** A command that waits until the test ends it. */
class HeldCommand {
  readonly args: (readonly string[])[] = [];
  options: CommandChildOptions = {};
  end: (document: unknown) => void = () => {};
  fail: (error: unknown) => void = () => {};

  readonly run = (args: readonly string[], options: CommandChildOptions = {}): Promise<CommandEnd> => {
    this.args.push(args);
    this.options = options;
    return new Promise((resolve, reject) => {
      this.end = (document) => resolve({ status: 0, document });
      this.fail = reject;
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason), { once: true });
    });
  };
}

describe('ConversionController', () => {
  const convert: ConversionPlan = { mode: 'convert', steps: [['convert'], ['pack']] };
  const validate: ConversionPlan = { mode: 'validate', steps: [['validate']] };
  let shown: string[];
  let command: HeldCommand;
  let controller: ConversionController;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    shown = [];
    command = new HeldCommand();
    const show = ({ fill, shape, phrases: [phrase] }: NodeStatus): void => {
      shown.push(`${fill} ${shape} ${phrase?.key.split('smolvlm-convert.').at(-1)}`);
    };
    controller = new ConversionController(show, command.run);
  });
  afterEach(() => controller.close());

  it('runs the commands one after the other, and joins what they report', async () => {
    const running = controller.run(
      () => convert,
      () => {},
    );
    command.end({ path: '/bundle' });
    await turn();
    assert.deepEqual(command.args, [['convert'], ['pack']]);
    command.end({ sha256: 'ab' });
    assert.deepEqual(await running, { path: '/bundle', archive: { sha256: 'ab' } });
    assert.deepEqual(shown, ['grey ring status.idle', 'green dot status.done.convert']);
  });

  it('passes the steps on with their share', async () => {
    const steps: unknown[] = [];
    const running = controller.run(
      () => validate,
      ({ step, percent }, mode) => steps.push([mode, step, percent]),
    );
    command.options.onProgress?.({ step: 'l0_attn', done: 1, total: 3 });
    command.options.onProgress?.({ step: 'frames', done: 0, total: 0 });
    command.end({});
    await running;
    assert.deepEqual(steps, [
      ['validate', 'l0_attn', 33],
      ['validate', 'frames', 0],
    ]);
    assert.equal(shown[1], 'blue dot status.working');
  });

  it('shows a bundle that is not accurate enough in red', async () => {
    const running = controller.run(
      () => validate,
      () => {},
    );
    command.end({ pass: false });
    assert.deepEqual(await running, { pass: false });
    assert.equal(shown.at(-1), 'red dot status.missed');
  });

  it('refuses a second conversion, and keeps the status of the first', async () => {
    const first = controller.run(
      () => validate,
      () => {},
    );
    const second = controller.run(
      () => validate,
      () => {},
    );
    await assert.rejects(second, { code: 'convert-busy' });
    assert.deepEqual(shown, ['grey ring status.idle']);
    command.end({});
    await first;
  });

  it('is free again after a failure and after a message that cannot be planned', async () => {
    const failing = controller.run(
      () => validate,
      () => {},
    );
    command.fail(new SmolvlmError('toolkit-missing', 'the toolkit is not set up'));
    await assert.rejects(failing, { code: 'toolkit-missing' });
    assert.equal(shown.at(-1), 'yellow ring status.setup');
    const unplanned = controller.run(
      () => {
        throw new SmolvlmError('convert-input', 'out: expected the folder of the bundle');
      },
      () => {},
    );
    await assert.rejects(unplanned, { code: 'convert-input' });
    const next = controller.run(
      () => validate,
      () => {},
    );
    command.end({});
    assert.deepEqual(await next, {});
  });

  it('ends the running command when it is cancelled, and closes once that has ended', async () => {
    const running = controller.run(
      () => validate,
      () => {},
    );
    controller.cancel();
    await assert.rejects(running, { code: 'convert-cancelled', message: 'the conversion was cancelled' });
    assert.ok(shown.at(-1)?.startsWith('red ring'));
    const stopped = controller.run(
      () => validate,
      () => {},
    );
    const closed = controller.close();
    await assert.rejects(stopped, { code: 'convert-cancelled', message: 'the flow was stopped' });
    await closed;
  });
});
