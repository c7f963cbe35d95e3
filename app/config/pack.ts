/** A pack as its file describes it, with its pipeline. Mirrors `schemas/pack.schema.json`. */
import type { Quantity } from './gate.js';
import type { ParsedPipeline } from './parse.js';
import type { SweepValue } from './sweep.js';

/** The source of a number. */
export interface NumberSource {
  paper?: string;
  arxiv?: string;
  table?: string;
  url?: string;
  file?: string;
}

/** One published number. */
export interface Expectation {
  /** The number as the file names it. */
  number: string;
  quantity: Quantity;
  value: number;
  /** Maximum distance of the found number, in the number's own unit. */
  tolerance: number;
  source: NumberSource;
}

export interface Pack extends ParsedPipeline {
  name: string;
  expect: Expectation[];
}

/** The file's data after the check by the schema. */
export interface CheckedPack {
  name: string;
  pipeline: string;
  set: Record<string, SweepValue>;
  expect: (Omit<Expectation, 'quantity' | 'tolerance'> & { tolerance: number | string })[];
}
