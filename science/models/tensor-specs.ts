import type { DecoderModel, FusedPart, LinearSpec, TensorSpec } from './types.js';

/** The linear at `path`, its weight and bias under the names that PyTorch gives them. */
export function linearSpec(path: string, out: number, inputs: number, biased: boolean): LinearSpec {
  const name = `${path}.weight`;
  return { name, aliases: namesWithoutModel(name), shape: [out, inputs], ...(biased && { bias: `${path}.bias` }) };
}

/** How several linears lie in the one matrix that a checkpoint has for them. */
export interface Fused {
  /** Path of that one; where absent, each is a matrix of its own. */
  fused?: string;
  /** How many times the parts follow each other: once, or once in each head. */
  runs?: number;
  biased: boolean;
}

/** The linears at these paths, which read the same input; fused ones are named as they would be by themselves. */
export function linearSpecs(parts: readonly { path: string; out: number }[], inputs: number, { fused, runs = 1, biased }: Fused): LinearSpec[] {
  if (fused === undefined) return parts.map(({ path, out }) => linearSpec(path, out, inputs, biased));
  const rows = parts.reduce((sum, { out }) => sum + out, 0);
  const of = `${fused}.weight`;
  let from = 0;
  return parts.map(({ path, out }) => {
    const part = { of, aliases: namesWithoutModel(of), rows, from, run: out / runs, stride: rows / runs };
    from += part.run;
    return { name: `${path}.weight`, part, shape: [out, inputs], ...(biased && { bias: `${path}.bias` }) };
  });
}

interface EmbeddingAndHead {
  /** What `embed` reads, and what `head` reads: the embedding for both where they are tied. */
  embedding: TensorSpec;
  headTensor: TensorSpec;
  head: LinearSpec;
  tied?: NonNullable<DecoderModel['tied']>;
}

/**
 * Token embedding and language-model head, `[vocabulary, width]` each.
 * @param aliases of the head
 */
export function embeddingAndHead(embeddingName: string, headName: string, shape: readonly [number, number], { tied, aliases }: { tied: boolean; aliases?: readonly string[] }): EmbeddingAndHead {
  const embedding = orWithoutModel({ name: embeddingName, shape });
  const head = { name: headName, shape, ...(aliases && { aliases }) };
  if (!tied) return { embedding, head, headTensor: head };
  const both = { ...embedding, aliases: [...embedding.aliases, headName, ...(aliases ?? [])] };
  return { embedding: both, headTensor: both, head: { name: embeddingName, shape }, tied: { embedding, head } };
}

/** The same part of the bias that belongs to a fused weight. */
export function biasPart({ of, aliases = [], ...rows }: FusedPart): FusedPart {
  const biasOf = (weight: string): string => weight.replace(/\.weight$/, '.bias');
  return { of: biasOf(of), aliases: aliases.map(biasOf), ...rows };
}

/** A tensor that may also have the name that checkpoints of the bare decoder give it. */
export function orWithoutModel({ name, shape, part }: TensorSpec): TensorSpec & { aliases: readonly string[] } {
  return { name, shape, aliases: part === undefined ? namesWithoutModel(name) : [], ...(part && { part }) };
}

/** Checkpoints of the bare decoder, saved without its language-model head, leave out the `model.` in front, or `gpt_neox.` */
function namesWithoutModel(name: string): readonly string[] {
  const root = ['model.', 'gpt_neox.'].find((prefix) => name.startsWith(prefix));
  return root === undefined ? [] : [name.slice(root.length)];
}
