import type { Bound, Comparison, GateCondition, Quantity, TimedStage, ZeroShotMetric } from './gate.js';
import { GateSyntaxError, nameText, tokenize, type GateToken } from './gate-lexer.js';
import { nearest } from './nearest.js';
import type { ModelState } from './pipeline.js';

const states = ['dense', 'initial', 'rebuilt'] as const satisfies readonly ModelState[];
const metrics = ['acc', 'acc_norm'] as const satisfies readonly ZeroShotMetric[];
const changes = ['grown', 'pruned'] as const;
const timed = ['calibration', 'initialMask', 'rebuild', 'evaluation', 'total'] as const satisfies readonly TimedStage[];
const comparisons = ['<', '<=', '>', '>='] as const satisfies readonly Comparison[];
const firstWords = [...states, 'sparsity', 'gap', 'weights', 'seconds'];

const isOneOf = <T extends string>(known: readonly T[], text: string): text is T => (known as readonly string[]).includes(text);
const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
/** Signs can be names only in quotes. */
const isName = (word: GateToken | undefined): word is GateToken => word !== undefined && (word.quoted || !/^[<>=!*%]/.test(word.text));
const listed = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ').replace(/, ([^,]*)$/, ' or $1');

/**
 * Parses a gate's condition, for example `rebuilt perplexity <= 1.05 * initial`.
 * @throws GateSyntaxError
 */
export function parseCondition(text: string): GateCondition {
  return new Reader(text).condition();
}

/**
 * Parses a number of a result, for example `rebuilt perplexity of wikitext2`.
 * @throws GateSyntaxError
 */
export function parseQuantity(text: string): Quantity {
  return new Reader(text).onlyQuantity();
}

/** Writes a condition as text. Parsing the text gives the same condition. */
export function conditionText({ quantity, comparison, bound }: GateCondition): string {
  const limit = 'value' in bound ? String(bound.value) : `${bound.factor} * ${bound.state}`;
  return `${quantityText(quantity)} ${comparison} ${limit}`;
}

/** Writes a quantity as text. Parsing the text gives the same quantity. */
export function quantityText(quantity: Quantity): string {
  switch (quantity.kind) {
    case 'perplexity':
      return `${quantity.state} perplexity${ofDataset(quantity.dataset)}`;
    case 'zeroShot':
      return `${quantity.state} ${nameText(quantity.task)} ${quantity.metric}`;
    case 'drop':
      return `${quantity.state} ${nameText(quantity.task)} ${quantity.metric} drop`;
    case 'gapClosed':
      return `gap closed${ofDataset(quantity.dataset)}`;
    case 'sparsity':
      return 'sparsity';
    case 'weights':
      return `weights ${quantity.change}`;
    case 'seconds':
      return `seconds ${quantity.stage}`;
  }
}

const ofDataset = (dataset: string | undefined): string => (dataset === undefined ? '' : ` of ${nameText(dataset)}`);

/** The unit of a quantity: shares may be written in `%`, differences of shares in `points`. */
function unitOf({ kind }: Quantity, comparison: Comparison): '%' | 'points' | undefined {
  if (kind === 'drop' || comparison === 'within') return 'points';
  return kind === 'zeroShot' || kind === 'sparsity' || kind === 'gapClosed' ? '%' : undefined;
}

/** Reads a gate word by word, by recursive descent. */
class Reader {
  private readonly words: GateToken[];
  private next = 0;

  constructor(private readonly text: string) {
    this.words = tokenize(text);
  }

  onlyQuantity(): Quantity {
    const quantity = this.quantity();
    this.end('the end');
    return quantity;
  }

  condition(): GateCondition {
    const quantity = this.quantity();
    const comparison = this.comparison(quantity);
    const bound = this.bound(quantity, comparison);
    this.end('the end of the gate');
    return { quantity, comparison, bound };
  }

  private quantity(): Quantity {
    const first = this.peek();
    if (first === undefined) return this.fail('a quantity', firstWords);
    if (!first.quoted) {
      switch (first.text) {
        case 'sparsity':
          this.next++;
          return { kind: 'sparsity' };
        case 'gap':
          this.next++;
          this.word(['closed']);
          return { kind: 'gapClosed', ...this.dataset() };
        case 'weights':
          this.next++;
          return { kind: 'weights', change: this.word(changes) };
        case 'seconds':
          this.next++;
          return { kind: 'seconds', stage: this.word(timed) };
        case 'perplexity':
          return this.fail('a state', states, ' before it');
      }
    }
    return this.ofState();
  }

  /** `[STATE] perplexity ...` or `[STATE] TASK METRIC [drop]`. */
  private ofState(): Quantity {
    const first = this.peek();
    const state = first !== undefined && !first.quoted && isOneOf(states, first.text) ? first.text : undefined;
    if (state !== undefined) this.next++;
    const name = this.peek();
    if (state !== undefined && name?.quoted === false && name.text === 'perplexity') {
      this.next++;
      return { kind: 'perplexity', state, ...this.dataset() };
    }
    const metric = this.words[this.next + 1] as GateToken | undefined;
    if (isName(name) && metric !== undefined) {
      if (isOneOf(metrics, metric.text)) {
        this.next += 2;
        return this.ofTask(name.text, metric.text, state, first?.offset ?? 0);
      }
      // A word before something like a metric is a task. Otherwise it is more likely misspelt.
      if (nearest(metric.text, metrics) !== undefined) {
        this.next++;
        return this.fail('a metric', metrics);
      }
    }
    return state === undefined ? this.fail('a quantity', firstWords, ' or a task and its metric') : this.fail('a quantity of that state', ['perplexity'], ' or a task and its metric');
  }

  private ofTask(task: string, metric: ZeroShotMetric, state: ModelState | undefined, offset: number): Quantity {
    const drop = this.peek();
    if (drop?.quoted !== false || drop.text !== 'drop') {
      return state === undefined ? this.fail('a valid word here', ['drop'], `, or a state before \`${task}\``) : { kind: 'zeroShot', state, task, metric };
    }
    if (state === 'dense') {
      throw new GateSyntaxError(offset, '`dense` has no drop, because the other states are compared with it; expected `initial` or `rebuilt`. Name one of them, or no state for `rebuilt`.');
    }
    this.next++;
    return { kind: 'drop', state: state ?? 'rebuilt', task, metric };
  }

  private dataset(): { dataset?: string } {
    const of = this.peek();
    if (of === undefined || of.quoted || of.text !== 'of') return {};
    this.next++;
    const name = this.peek();
    if (!isName(name)) return this.fail('the name of a dataset', []);
    this.next++;
    return { dataset: name.text };
  }

  private comparison({ kind }: Quantity): Comparison {
    const word = this.peek();
    const known: readonly Comparison[] = kind === 'sparsity' ? [...comparisons, 'within'] : comparisons;
    if (word === undefined || word.quoted || !isOneOf(known, word.text)) return this.fail('a comparison', known);
    this.next++;
    return word.text;
  }

  private bound(quantity: Quantity, comparison: Comparison): Bound {
    const hasStates = quantity.kind === 'perplexity' || quantity.kind === 'zeroShot';
    const others = hasStates ? states.filter((state) => state !== quantity.state) : [];
    const word = this.peek();
    if (word !== undefined && !word.quoted && isOneOf(others, word.text)) {
      this.next++;
      return { factor: 1, state: word.text };
    }
    if (word === undefined || word.quoted || !isNumber(word.text) || !Number.isFinite(Number(word.text))) return this.fail('a number', others);
    this.next++;
    const number = Number(word.text);
    const sign = this.peek();
    if (sign?.quoted === false && sign.text === '*') {
      if (!hasStates) throw new GateSyntaxError(sign.offset, 'this quantity has no states to compare, so a multiple is not possible; expected a plain number. Remove the `*`.');
      this.next++;
      return { factor: number, state: this.word(others) };
    }
    const unit = unitOf(quantity, comparison);
    if (sign !== undefined && !sign.quoted && sign.text === unit) {
      this.next++;
      return { value: number / 100 };
    }
    if (sign !== undefined && (sign.text === '%' || sign.text === 'points')) {
      const expected = unit === undefined ? 'a plain number' : unit === '%' ? '`%`, or a plain number (a fraction)' : '`points` (percentage points), or a plain number (a fraction)';
      throw new GateSyntaxError(sign.offset, `\`${sign.text}\` after this quantity's bound; expected ${expected}. ${unit === undefined ? 'Remove it.' : `Write \`${number} ${unit}\`.`}`);
    }
    return { value: number };
  }

  private word<T extends string>(known: readonly T[]): T {
    const word = this.peek();
    if (word === undefined || word.quoted || !isOneOf(known, word.text)) return this.fail('a valid word here', known);
    this.next++;
    return word.text;
  }

  private end(what: string): void {
    const word = this.peek();
    if (word !== undefined) throw new GateSyntaxError(word.offset, `unexpected \`${word.text}\`; expected ${what} here. Remove it.`);
  }

  private peek(): GateToken | undefined {
    return this.words[this.next];
  }

  private fail(what: string, known: readonly string[], more = ''): never {
    const word = this.peek();
    const found = word === undefined ? 'the gate ends too early' : `\`${word.text}\` is not ${what}`;
    const meant = word === undefined ? undefined : nearest(word.text, known);
    const expected = known.length === 0 ? what : `${listed(known)}${more}`;
    throw new GateSyntaxError(word?.offset ?? this.text.trimEnd().length, `${found}; expected ${expected}. ${meant === undefined ? 'docs/gates.md has the grammar.' : `Did you mean \`${meant}\`?`}`);
  }
}
