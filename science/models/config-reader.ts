import { ModelConfigError } from './errors.js';

/** Typed access to the values of one JSON object in `config.json`. `null` counts as absent, as in transformers. */
export class ConfigReader {
  private readonly asked = new Set<string>();

  /**
   * @param where full path of `config.json`.
   * @param prefix path of this object in the file, for example `rope_scaling.`; empty at the top level.
   */
  constructor(
    private readonly values: Record<string, unknown>,
    readonly where: string,
    private readonly prefix = '',
  ) {}

  /** Whether the object has no keys at all. */
  get isEmpty(): boolean {
    return Object.keys(this.values).length === 0;
  }

  has(key: string): boolean {
    this.asked.add(key);
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  /** Whether a key is explicitly `null`, for the few keys where this differs from absent. */
  isNull(key: string): boolean {
    this.asked.add(key);
    return this.values[key] === null;
  }

  /** @throws ModelConfigError unless it is an integer above zero. */
  positiveInteger(key: string, fallback?: number): number {
    return this.read(key, 'an integer above zero', fallback, (value) => Number.isSafeInteger(value) && (value as number) > 0);
  }

  /** @throws ModelConfigError unless it is an integer, zero or above. */
  count(key: string, fallback?: number): number {
    return this.read(key, 'an integer, zero or above', fallback, (value) => Number.isSafeInteger(value) && (value as number) >= 0);
  }

  /** @throws ModelConfigError unless it is a finite number above zero. */
  positiveNumber(key: string, fallback?: number): number {
    return this.read(key, 'a number above zero', fallback, (value) => Number.isFinite(value) && (value as number) > 0);
  }

  /** A number above zero; undefined if the key is `null`, or if it is absent and there is no fallback. @throws ModelConfigError */
  optionalNumber(key: string, fallback?: number): number | undefined {
    if (this.isNull(key) || (fallback === undefined && !this.has(key))) return undefined;
    return this.positiveNumber(key, fallback);
  }

  /** @throws ModelConfigError unless it is a finite number, zero or above. */
  nonNegativeNumber(key: string): number {
    return this.read<number>(key, 'a number, zero or above', undefined, (value) => Number.isFinite(value) && (value as number) >= 0);
  }

  /** @throws ModelConfigError unless it is a list of `length` finite numbers above zero. */
  positiveNumbers(key: string, length: number): number[] {
    const valid = (value: unknown) => Array.isArray(value) && value.length === length && value.every((item) => Number.isFinite(item) && (item as number) > 0);
    return this.read<number[]>(key, `a list of ${length} numbers above zero`, undefined, valid);
  }

  /** @throws ModelConfigError unless it is a list of integers, zero or above. */
  counts(key: string): number[] {
    const valid = (value: unknown) => Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
    return this.read<number[]>(key, 'a list of integers, zero or above', undefined, valid);
  }

  /** @throws ModelConfigError unless the key is absent or false. */
  refuse(key: string, reason: string): void {
    if (this.has(key) && this.values[key] !== false) throw this.wrong(key, `none, because ${reason}`);
  }

  /** @throws ModelConfigError unless it is true or false. */
  boolean(key: string, fallback?: boolean): boolean {
    return this.read(key, 'true or false', fallback, (value) => typeof value === 'boolean');
  }

  /** @throws ModelConfigError unless it is one of `choices`. */
  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    const expected = choices.length === 1 ? `'${choices[0]}'` : `one of ${choices.join(', ')}`;
    return this.read(key, expected, fallback, (value) => choices.includes(value as T));
  }

  /** @throws ModelConfigError unless it is a list of `length` values, each one of `choices`. */
  choices<T extends string>(key: string, choices: readonly T[], length: number): T[] {
    const valid = (value: unknown) => Array.isArray(value) && value.length === length && value.every((item) => choices.includes(item as T));
    return this.read<T[]>(key, `a list of ${length}, each one of ${choices.join(', ')}`, undefined, valid);
  }

  /** @throws ModelConfigError unless it is an object. */
  object(key: string): ConfigReader {
    const isObject = (value: unknown) => typeof value === 'object' && !Array.isArray(value);
    const values = this.read<Record<string, unknown>>(key, 'an object', undefined, isObject);
    return new ConfigReader(values, this.where, `${this.prefix}${key}.`);
  }

  /** @throws ModelConfigError if the weights are stored quantized. */
  refuseQuantization(): void {
    if (this.has('quantization_config')) throw this.wrong('quantization_config', 'none, with weights in F32, F16 or BF16');
  }

  /** Keys and values that were not read. */
  unread(): [string, unknown][] {
    return Object.entries(this.values).filter(([key]) => !this.asked.has(key));
  }

  /** Marks keys as read that do not affect the model. */
  ignore(...keys: string[]): void {
    for (const key of keys) this.asked.add(key);
  }

  /** Makes the error for a wrong value of `key`. */
  wrong(key: string, expected: string): ModelConfigError {
    const value = JSON.stringify(this.values[key]) ?? 'missing';
    return new ModelConfigError({ what: `${this.prefix}${key} is ${value}`, where: this.where, expected });
  }

  private read<T>(key: string, expected: string, fallback: T | undefined, valid: (value: unknown) => boolean): T {
    if (!this.has(key) && fallback !== undefined) return fallback;
    if (!this.has(key) || !valid(this.values[key])) throw this.wrong(key, expected);
    return this.values[key] as T;
  }
}
