import { ContinuationError } from './errors.js';

/** A question to a model: how likely is the continuation after the context? */
export interface TextRequest {
  context: string;
  continuation: string;
}

/** A request in tokens. */
export interface EncodedRequest {
  /** What the model reads: the context, then the continuation without its last token. */
  input: Int32Array;
  /** The continuation; target k is predicted by input `input.length - targets.length + k`. */
  targets: Int32Array;
}

export interface RequestEncoding {
  /** Returns a text's token ids, without special tokens. */
  encode: (text: string) => Promise<Int32Array>;
  /** The token before every text, if any. */
  bos?: number;
  /** The token before a continuation without context. */
  prefix?: number;
  /** How many tokens the model can read. */
  maxLength: number;
}

/** The whitespace that Python's `str.rstrip` removes. */
 
const trailingWhitespace = /[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/**
 * Encodes requests as lm-evaluation-harness 0.4.13 does. Whitespace at the end of the context moves to the continuation. Context
 * and continuation are encoded as one text; if the context alone has n tokens, the continuation starts after n tokens. A text
 * that is too long loses tokens from the left.
 *
 * @throws ContinuationError if the continuation has no token to score, or more tokens than the model can read
 */
export function requestEncoder({ encode, bos, prefix, maxLength }: RequestEncoding): (request: TextRequest) => Promise<EncodedRequest> {
  // Requests of one document follow each other, and most have the same context.
  let last: { context: string; length: Promise<number> } | undefined;
  const lengthOf = (context: string): Promise<number> => {
    if (last?.context !== context) last = { context, length: encode(context).then((ids) => ids.length) };
    return last.length;
  };

  return async (request) => {
    const { whole, contextLength } = await encoded(request);
    const targets = whole.slice(contextLength);
    if (targets.length === 0) throw new ContinuationError({ what: `the continuation ${quoted(request)} has no token of its own`, expected: 'at least one token to score' });
    if (targets.length > maxLength) {
      throw new ContinuationError({ what: `the continuation ${quoted(request)} has ${targets.length} tokens`, expected: `at most ${maxLength}, which is what the model can read` });
    }
    return { input: whole.slice(Math.max(0, whole.length - maxLength - 1), -1), targets };
  };

  async function encoded(request: TextRequest): Promise<{ whole: Int32Array; contextLength: number }> {
    const before = bos === undefined ? [] : [bos];
    const [spaces = ''] = trailingWhitespace.exec(request.context) ?? [];
    const context = request.context.slice(0, request.context.length - spaces.length);
    const whole = await encode(request.context + request.continuation);
    if (context !== '' || bos !== undefined) return { whole: Int32Array.of(...before, ...whole), contextLength: before.length + (context === '' ? 0 : await lengthOf(context)) };
    // The first token needs one before it to be predicted. A text that begins with the prefix token needs no second one.
    if (prefix === undefined) throw new ContinuationError({ what: `the continuation ${quoted(request)} has no context, and the tokenizer has no token that could stand before it`, expected: 'a context, or `bos: true` and a tokenizer with such a token' });
    return { whole: whole[0] === prefix ? whole : Int32Array.of(prefix, ...whole), contextLength: 1 };
  }
}

function quoted({ continuation }: TextRequest): string {
  return JSON.stringify(continuation.length > 60 ? `${continuation.slice(0, 57)}...` : continuation);
}
