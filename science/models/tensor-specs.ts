import type { DecoderModel, FusedPart, LinearSpec, TensorSpec } from './types.js';

/** The linear at `path`, with PyTorch's names for its weight and bias. */
export function linearSpec(path: string, out: number, inputs: number, biased: boolean): LinearSpec {
  const name = `${path}.weight`;
  return { name, aliases: namesWithoutModel(name), shape: [out, inputs], ...(biased && { bias: `${path}.bias` }) };
}

/** How a checkpoint stores several linears in one matrix. */
export interface Fused {
  /** Path of the fused matrix; if absent, each linear is a matrix of its own. */
  fused?: string;
  /** How many times the sequence of parts occurs: once, or once in each head. */
  runs?: number;
  biased: boolean;
}

/** The linears at these paths, which read the same input. Fused linears get the names that they would have by themselves. */
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
  /** The tensors that `embed` and `head` read. If they are tied, both are the embedding. */
  embedding: TensorSpec;
  headTensor: TensorSpec;
  head: LinearSpec;
  tied?: NonNullable<DecoderModel['tied']>;
}

/**
 * Token embedding and language-model head, `[vocabulary, width]` each.
 * @param aliases other names of the head
 */
export function embeddingAndHead(embeddingName: string, headName: string, shape: readonly [number, number], { tied, aliases }: { tied: boolean; aliases?: readonly string[] }): EmbeddingAndHead {
  const embedding = orWithoutModel({ name: embeddingName, shape });
  const head = { name: headName, shape, ...(aliases && { aliases }) };
  if (!tied) return { embedding, head, headTensor: head };
  const both = { ...embedding, aliases: [...embedding.aliases, headName, ...(aliases ?? [])] };
  return { embedding: both, headTensor: both, head: { name: embeddingName, shape }, tied: { embedding, head } };
}

/** The corresponding part of the fused bias for a part of a fused weight. */
export function biasPart({ of, aliases = [], ...rows }: FusedPart): FusedPart {
  const biasOf = (weight: string): string => weight.replace(/\.weight$/, '.bias');
  return { of: biasOf(of), aliases: aliases.map(biasOf), ...rows };
}

/** Adds the name that checkpoints of the bare decoder use for a tensor. */
export function orWithoutModel({ name, shape, part }: TensorSpec): TensorSpec & { aliases: readonly string[] } {
  return { name, shape, aliases: part === undefined ? namesWithoutModel(name) : [], ...(part && { part }) };
}

/** Names in checkpoints of the bare decoder, saved without the language-model head, which omit the leading `model.` or `gpt_neox.` */
function namesWithoutModel(name: string): readonly string[] {
  const root = ['model.', 'gpt_neox.'].find((prefix) => name.startsWith(prefix));
  return root === undefined ? [] : [name.slice(root.length)];
}
