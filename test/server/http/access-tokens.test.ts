import assert from 'node:assert/strict';
import { parseTokens, TokenList } from '../../../src/server/http/access-tokens';
import { FailedLogins, loginPauseMs } from '../../../src/server/http/failed-logins';
import { ManualClock } from '../../system/manual-clock';

const [first, second] = ['a-token-of-sixteen', 'another-token-of-it'];

describe('the tokens of an engine', () => {
  it('are one token, or a line with name and token for each', () => {
    assert.deepEqual(parseTokens(`${first}\n`, 'F'), [{ name: 'token 1', token: first }]);
    const tokens = parseTokens(`# of this home\nhub ${first}\r\n\n phone\t${second} \n`, 'F');
    assert.deepEqual(tokens, [
      { name: 'hub', token: first },
      { name: 'phone', token: second },
    ]);
    const list = new TokenList(tokens);
    assert.deepEqual(
      [first, second, 'another', undefined, [first]].map((token) => list.nameOf(token)),
      ['hub', 'phone', undefined, undefined, undefined],
    );
  });

  it('are refused when one is short or has spaces, without being repeated', () => {
    for (const text of ['', '# nothing', 'short', `hub short`, `three words ${first}`]) {
      assert.throws(
        () => parseTokens(text, 'F'),
        ({ code, message }: Error & { code?: string }) => code === 'engine-token' && !message.includes(first),
        text,
      );
    }
  });
});

describe('wrong tokens', () => {
  it('are answered ever more slowly, until a right one comes', async () => {
    const clock = new ManualClock();
    const logins = new FailedLogins(clock);
    for (const count of [1, 2, 3]) assert.equal(await logins.failed('a'), count);
    let answered = false;
    const fourth = logins.failed('a').then(() => {
      answered = true;
    });
    clock.advance(249);
    await new Promise(setImmediate);
    assert.equal(answered, false);
    clock.advance(1);
    await fourth;
    assert.equal(await logins.failed('b'), 1);
    logins.succeeded('a');
    assert.equal(await logins.failed('a'), 1);
    assert.deepEqual([5, 8, 9, 100].map(loginPauseMs), [500, 4000, 5000, 5000]);
  });
});
