import assert from 'node:assert/strict';
import { AnswerText } from '../../src/text/answer-text';

/** Token i is the i-th piece. */
function answerOf(pieces: readonly string[], stops: readonly string[] = []) {
  const handedOn: string[] = [];
  const stream = { push: (id: number) => pieces[id] ?? '', end: () => '' };
  const answer = new AnswerText(stream, stops, (text) => handedOn.push(text));
  for (let id = 0; id < pieces.length && !answer.stopped; id++) answer.push(id);
  answer.end();
  return { answer, handedOn };
}

describe('AnswerText', () => {
  it('trims white space around the answer, also while streaming', () => {
    const { answer, handedOn } = answerOf([' ', ' A cat', '.', ' \n']);
    assert.equal(answer.text, 'A cat.');
    assert.deepEqual(handedOn, ['A cat', '.']);
  });

  it('ends before a stop string that spans tokens and never passes its beginning on', () => {
    const { answer, handedOn } = answerOf([' A dog', ' \nUs', 'er', ': more', ' words'], ['\nUser:']);
    assert.equal(answer.text, 'A dog');
    assert.equal(handedOn.join(''), 'A dog');
    assert.equal(answer.stopped, true);
  });

  it('passes on text that only looked like a stop string', () => {
    const { answer, handedOn } = answerOf(['a\nUs', 'ually'], ['\nUser:']);
    assert.equal(answer.text, 'a\nUsually');
    assert.equal(handedOn.join(''), 'a\nUsually');
  });

  it('ends at the first of several stop strings in a piece', () => {
    assert.equal(answerOf(['one. two; three'], [';', '.']).answer.text, 'one');
  });
});
