import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { writeFileDurably } from '../artifacts/index.js';
import type { CheckpointFacts } from './examine-checkpoint.js';
import { ProofFileError } from './errors.js';
import type { FileFacts, LinearFacts } from './facts.js';

/** The content of `proof.json`. Paths are relative to its folder, so that the folder can be moved. */
export interface Proof {
  format: 'mask-proof';
  version: 1;
  /** What was checked, in sentences. */
  checked: readonly string[];
  checkpoint: string;
  files: readonly FileFacts[];
  mask?: FileFacts;
  /** Digest of the dense model, if known. */
  model?: string;
  values?: 'dense' | 'updated';
  pattern: string;
  weights: number;
  zeros: number;
  linears: readonly LinearFacts[];
  /** SHA-256 of every tensor's bytes. */
  tensors: Readonly<Record<string, string>>;
}

export interface ProofRequest {
  /** The file to write. `mask verify` looks for `proof.json` beside `checkpoint/`. */
  path: string;
  facts: CheckpointFacts;
  /** What else was checked, such as budgets, in sentences. */
  alsoChecked?: readonly string[];
}

/**
 * Writes what was checked, with the digests of the checked bytes. Equal facts give equal bytes.
 *
 * @throws ProofFileError if the facts have violations
 */
export async function writeProof({ path, facts, alsoChecked = [] }: ProofRequest): Promise<Proof> {
  if (facts.violations.count > 0) {
    throw new ProofFileError({ what: `${facts.violations.count} checks failed`, where: path, expected: 'no failed check', remedy: 'Report this as a bug' });
  }
  const folder = dirname(resolve(path));
  const within = (file: FileFacts): FileFacts => ({ ...file, file: relative(folder, file.file) });
  const proof: Proof = {
    format: 'mask-proof',
    version: 1,
    checked: [...checkedOf(facts), ...alsoChecked],
    checkpoint: relative(folder, facts.checkpoint),
    files: facts.files.map(within),
    mask: facts.mask === undefined ? undefined : within(facts.mask),
    model: facts.source?.digest ?? facts.metadata.model,
    values: facts.values,
    pattern: facts.pattern,
    weights: facts.weights,
    zeros: facts.zeros,
    linears: facts.linears,
    tensors: facts.tensors,
  };
  await writeFileDurably(path, [Buffer.from(`${JSON.stringify(proof, null, 1)}\n`)]);
  return proof;
}

/** @throws ProofFileError */
export async function readProof(path: string): Promise<Proof> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ProofFileError({ what: `it cannot be read (${(error as Error).message})`, where: path, remedy: 'Remove it to continue without it' }, { cause: error });
  }
  const proof = value as Partial<Proof> | null;
  const isWhole = proof?.format === 'mask-proof' && proof.version === 1 && typeof proof.checkpoint === 'string'
    && Array.isArray(proof.files) && Array.isArray(proof.linears) && typeof proof.tensors === 'object';
  if (!isWhole) {
    throw new ProofFileError({ what: 'it is not a proof file', where: path, expected: '"format": "mask-proof", "version": 1', remedy: 'Remove it to continue without it' });
  }
  return proof as Proof;
}

function checkedOf({ mask, source, values, pattern, linears }: CheckpointFacts): string[] {
  return [
    'No tensor of floats contains NaN or infinity.',
    ...(mask === undefined ? [] : [
      `Every pruned weight of the ${linears.length} linears is zero; kept weights that are zero are counted.`,
      'The mask has one bit for each weight, and its unused bits are 0.',
    ]),
    ...(pattern === 'unstructured' || pattern === 'mixed' ? [] : [`In every row, N of every M consecutive inputs are kept: ${pattern}.`]),
    ...(source === undefined ? [] : ['Every tensor that is not pruned equals the dense model byte for byte.']),
    ...(source !== undefined && values === 'dense' ? ['Every kept weight equals the dense model bit for bit.'] : []),
  ];
}
