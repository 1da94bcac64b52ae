import assert from 'node:assert/strict';
import { RepeatedTokens } from '../../src/client/repeated-tokens';
import type { EngineEvent } from '../../src/protocol/events';

function token(text: string): EngineEvent {
  return { type: 'token', id: 'a', text };
}

describe('repeated tokens', () => {
  it('are left out when another run writes the answer from its beginning, however it cuts the text', () => {
    const tokens = new RepeatedTokens();
    const texts = (run: readonly string[]): (string | undefined)[] =>
      run.map((text) => {
        const event = tokens.next(token(text));
        return event?.type === 'token' ? event.text : undefined;
      });
    assert.deepEqual(texts(['a ', 'red ']), ['a ', 'red ']);
    tokens.restart();
    assert.deepEqual(texts(['a red', ' car', ' stands']), [undefined, 'car', ' stands']);
    tokens.restart();
    assert.deepEqual(texts(['a', ' red car stands still']), [undefined, ' still']);
  });

  it('leaves every other event as it is', () => {
    const queued: EngineEvent = { type: 'queued', id: 'a', waiting: 1 };
    assert.equal(new RepeatedTokens().next(queued), queued);
  });
});
