import assert from 'node:assert/strict';
import { errorBody, SmolvlmError } from '../src/errors';

describe('SmolvlmError', () => {
  it('crosses a process boundary as a body and becomes an error again', () => {
    const sent = new SmolvlmError('image-html', 'received a web page', { hint: 'Check the address.' });
    const body: unknown = JSON.parse(JSON.stringify(sent));
    assert.deepEqual(body, {
      code: 'image-html',
      message: 'received a web page',
      hint: 'Check the address.',
    });
    const received = SmolvlmError.from(body);
    assert.ok(received instanceof SmolvlmError);
    assert.deepEqual(errorBody(received), body);
  });

  it('has no hint where the body has none', () => {
    assert.deepEqual(errorBody(SmolvlmError.from({ code: 'a', message: 'b' })), { code: 'a', message: 'b' });
    assert.deepEqual(new SmolvlmError('a', 'b', { hint: undefined }).toJSON(), { code: 'a', message: 'b' });
  });

  it('stays the same error when it is one already', () => {
    const error = new SmolvlmError('a', 'b');
    assert.equal(SmolvlmError.from(error), error);
  });

  it('calls anything else internal, and keeps an error as its cause', () => {
    const fault = new TypeError('x is not a function');
    const error = SmolvlmError.from(fault);
    assert.deepEqual([error.code, error.message, error.cause], ['internal', fault.message, fault]);
    assert.deepEqual(errorBody(SmolvlmError.from('text')), { code: 'internal', message: 'text' });
  });
});
