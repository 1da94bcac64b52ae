import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { NodeMessage } from 'node-red';
import { captionMessage, fallbackMessage } from '../../../src/node-red/caption/caption-messages';
import type { CaptionPlan } from '../../../src/node-red/caption/caption-plan';
import type { CaptionResult } from '../../../src/protocol/events';

const plan = { prompt: 'Describe it.', parse: () => ({ payload: 'a fox' }) } as unknown as CaptionPlan;
const results = [{ text: 'a fox', timingsMs: { total: 1 } }] as unknown as CaptionResult[];
const head = { captionId: '1' };
const why = { fallbackReason: 'deadline', reason: 'late' };

describe('the picture of a described message', () => {
  const masked = Buffer.from('as the frame node sent it, masks drawn');

  it('is passed on in msg.picture, as it was described', () => {
    const caption = captionMessage({ payload: masked } as NodeMessage, head, plan, results);
    assert.deepEqual([caption.payload, (caption as { picture?: unknown }).picture], ['a fox', masked]);
    const fallback = fallbackMessage({ payload: masked } as NodeMessage, head, 'no caption', why);
    assert.equal((fallback as { picture?: unknown }).picture, masked);
  });

  it('does not replace a msg.picture of the flow, and is absent if the payload was not a picture', () => {
    const own = captionMessage({ payload: masked, picture: 'mine' } as never, head, plan, results);
    assert.equal((own as { picture?: unknown }).picture, 'mine');
    assert.ok(!('picture' in captionMessage({ payload: '/a/path.jpg' } as NodeMessage, head, plan, results)));
  });
});
