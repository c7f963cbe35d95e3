import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionText, parseCondition, parseQuantity, quantityText } from '../../../app/config/index.js';
import type { GateCondition, Quantity } from '../../../app/config/index.js';
import { GateSyntaxError } from '../../../app/config/gate-lexer.js';

describe('a gate', () => {
  it.each<[string, GateCondition]>([
    ['rebuilt perplexity <= 1.05 * initial', { quantity: { kind: 'perplexity', state: 'rebuilt' }, comparison: '<=', bound: { factor: 1.05, state: 'initial' } }],
    ['rebuilt perplexity<initial', { quantity: { kind: 'perplexity', state: 'rebuilt' }, comparison: '<', bound: { factor: 1, state: 'initial' } }],
    ['sparsity within 0.0001', { quantity: { kind: 'sparsity' }, comparison: 'within', bound: { value: 0.0001 } }],
    ['sparsity within 0.5 points', { quantity: { kind: 'sparsity' }, comparison: 'within', bound: { value: 0.005 } }],
    ['sparsity >= 50%', { quantity: { kind: 'sparsity' }, comparison: '>=', bound: { value: 0.5 } }],
    ['arc_easy acc drop <= 2 points', { quantity: { kind: 'drop', state: 'rebuilt', task: 'arc_easy', metric: 'acc' }, comparison: '<=', bound: { value: 0.02 } }],
    ['initial arc_easy acc_norm drop <= -0.01', { quantity: { kind: 'drop', state: 'initial', task: 'arc_easy', metric: 'acc_norm' }, comparison: '<=', bound: { value: -0.01 } }],
    ['rebuilt piqa acc > 0.95 * dense', { quantity: { kind: 'zeroShot', state: 'rebuilt', task: 'piqa', metric: 'acc' }, comparison: '>', bound: { factor: 0.95, state: 'dense' } }],
    ['rebuilt perplexity of c4.utf8 <= 20', { quantity: { kind: 'perplexity', state: 'rebuilt', dataset: 'c4.utf8' }, comparison: '<=', bound: { value: 20 } }],
    ['dense perplexity of "my text.txt" < 2e1', { quantity: { kind: 'perplexity', state: 'dense', dataset: 'my text.txt' }, comparison: '<', bound: { value: 20 } }],
    ['dense "perplexity" acc >= 0', { quantity: { kind: 'zeroShot', state: 'dense', task: 'perplexity', metric: 'acc' }, comparison: '>=', bound: { value: 0 } }],
    ['gap closed of ptb >= 40 %', { quantity: { kind: 'gapClosed', dataset: 'ptb' }, comparison: '>=', bound: { value: 0.4 } }],
    ['weights grown > 0', { quantity: { kind: 'weights', change: 'grown' }, comparison: '>', bound: { value: 0 } }],
    ['seconds total < 3600', { quantity: { kind: 'seconds', stage: 'total' }, comparison: '<', bound: { value: 3600 } }],
  ])('%s', (text, condition) => expect(parseCondition(text)).toEqual(condition));

  // The caret points to the character that the message is about.
  it.each([
    ['rebuild perplexity <= 20', 0, 'Did you mean `rebuilt`?'],
    ['rebuilt perplexty <= 20', 8, 'Did you mean `perplexity`?'],
    ['perplexity <= 20', 0, 'expected `dense`, `initial` or `rebuilt`'],
    ['rebuilt perplexity =< 20', 19, 'expected `<`, `<=`, `>` or `>=`'],
    ['rebuilt perplexity within 2', 19, '`within` is not a comparison'],
    ['rebuilt perplexity <= 1.05 * intial', 29, 'Did you mean `initial`?'],
    ['rebuilt perplexity <= 1.05 * rebuilt', 29, 'expected `dense` or `initial`'],
    ['rebuilt perplexity <= 20 %', 25, 'expected a plain number'],
    ['rebuilt perplexity <= 20 30', 25, 'unexpected `30`'],
    ['rebuilt perplexity <= 1,000', 22, '`1,000` is not a number'],
    ['rebuilt perplexity <= 1e999', 22, 'not a number'],
    ['rebuilt perplexity <=', 21, 'the gate ends too early'],
    ['rebuilt perplexity of <= 3', 22, 'expected the name of a dataset'],
    ['arc_easy acc drop <= 2 %', 23, 'Write `2 points`'],
    ['rebuilt arc_easy acc >= 60 points', 27, 'Write `60 %`'],
    ['arc_easy acc <= 2', 13, 'expected `drop`'],
    ['arc_easy accnorm drop <= 2', 9, 'Did you mean `acc_norm`?'],
    ['dense arc_easy acc drop <= 2', 0, '`dense` has no drop'],
    ['sparsity within 2 %', 18, 'Write `2 points`'],
    ['sparsity <= 2 * dense', 14, 'has no states'],
    ['gap close > 1', 4, 'Did you mean `closed`?'],
    ['seconds rebuilt < 1', 8, 'Did you mean `rebuild`?'],
    ['weights shrunk < 1', 8, 'expected `grown` or `pruned`'],
    ['dense perplexity of "a < 1', 20, 'Close the quotes'],
    ['rebuilt <= acc <= 2', 8, '`<=` is not a quantity of that state; expected `perplexity` or a task and its metric'],
    ['', 0, 'the gate ends too early'],
  ])('%s: is wrong at %i, %s', (text, offset, message) => {
    const wrong = ((): GateSyntaxError => {
      try {
        throw new Error(JSON.stringify(parseCondition(text)));
      } catch (error) {
        if (error instanceof GateSyntaxError) return error;
        throw error;
      }
    })();
    expect(wrong.message).toContain(message);
    expect(wrong.offset).toBe(offset);
  });
});

const state = fc.constantFrom('dense', 'initial', 'rebuilt');
const name = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('"')), fc.constantFrom('of', 'drop', 'acc', 'dense', 'perplexity', 'sparsity', 'a b', '<=', '20', 'within'));
const metric = fc.constantFrom('acc', 'acc_norm');
const dataset = fc.option(name, { nil: undefined }).map((text) => (text === undefined ? {} : { dataset: text }));
const quantity: fc.Arbitrary<Quantity> = fc.oneof(
  fc.record({ kind: fc.constant('perplexity'), state }).chain((start) => dataset.map((more) => ({ ...start, ...more }))),
  fc.record({ kind: fc.constant('zeroShot'), state, task: name, metric }),
  fc.record({ kind: fc.constant('drop'), state: fc.constantFrom('initial', 'rebuilt'), task: name, metric }),
  dataset.map((more) => ({ kind: 'gapClosed', ...more })),
  fc.constant({ kind: 'sparsity' }),
  fc.record({ kind: fc.constant('weights'), change: fc.constantFrom('grown', 'pruned') }),
  fc.record({ kind: fc.constant('seconds'), stage: fc.constantFrom('calibration', 'initialMask', 'rebuild', 'evaluation', 'total') }),
) as fc.Arbitrary<Quantity>;
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const condition = quantity.chain((of): fc.Arbitrary<GateCondition> => {
  const own = 'state' in of ? of.state : undefined;
  const multiple = fc.record({ factor: number, state: state.filter((other) => other !== own) }) as fc.Arbitrary<GateCondition['bound']>;
  const bound = of.kind === 'perplexity' || of.kind === 'zeroShot' ? fc.oneof(number.map((value) => ({ value })), multiple) : number.map((value) => ({ value }));
  const comparison = fc.constantFrom('<', '<=', '>', '>=', ...(of.kind === 'sparsity' ? ['within'] : [])) as fc.Arbitrary<GateCondition['comparison']>;
  return fc.record({ quantity: fc.constant(of), comparison, bound });
});

describe('printing and parsing again', () => {
  it('gives the same quantity', () => {
    fc.assert(fc.property(quantity, (one) => {
      expect(parseQuantity(quantityText(one))).toEqual(one);
    }));
  });

  it('gives the same condition, its numbers to the last bit', () => {
    fc.assert(fc.property(condition, (one) => {
      expect(parseCondition(conditionText(one))).toEqual(one);
    }), { numRuns: 1000 });
  });

  it('accepts any text as a condition, or reports a place within it', () => {
    const words = fc.array(fc.constantFrom('dense', 'rebuilt', 'perplexity', 'of', 'acc', 'drop', 'sparsity', 'within', '<=', '*', '%', '20', '"a"', 'gap', 'closed'), { maxLength: 8 });
    fc.assert(fc.property(fc.oneof(fc.string(), words.map((list) => list.join(' '))), (text) => {
      try {
        parseCondition(text);
      } catch (error) {
        expect(error).toBeInstanceOf(GateSyntaxError);
        expect((error as GateSyntaxError).offset).toBeLessThanOrEqual(text.length);
      }
    }));
  });
});
