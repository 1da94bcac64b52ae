import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { command } from '../../../src/cli/convert';
import { chosenConversion } from '../../../src/cli/convert/convert-options';
import { planConversion } from '../../../src/node-red/convert/conversion-plan';
import { bundleTargets } from '../../../src/protocol/models/conversion-choices';

describe('planConversion', () => {
  const dialog = { model: 'demo', out: '/bundle', toolkit: '2.3.2', calibration: '/frames' };

  for (const target of bundleTargets) {
    it(`gives the command for ${target} only options that have an effect there`, () => {
      const { steps } = planConversion({ ...dialog, python: 'python3', setup: true, target }, {});
      const [name, ...args] = steps[0] ?? [];
      assert.equal(name, 'convert');
      const { values } = parseArgs({ args, options: command.options });
      assert.equal(chosenConversion(values), target);
      assert.equal(values.calibration, '/frames');
      assert.equal(values.python, target === 'cpu' ? undefined : 'python3');
    });
  }
});
