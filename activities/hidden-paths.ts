import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { numericsOf } from './numerics.js';
import type { ArtifactKey, Path, RunContext } from './types.js';

/** Everything that the hidden states after a path's layers follow from. */
export function hiddenDependsOn(context: RunContext, path: Path): Json {
  return { ...numericsOf(context), model: context.model.digest, tokens: path.tokens.key, masks: path.masks, ...(path.beside && { beside: path.beside }) };
}

/** Key of the hidden states after a path's layers. */
export function hiddenKey(context: RunContext, path: Path): ArtifactKey {
  return ArtifactStore.key('hidden', hiddenDependsOn(context, path));
}

/** The first layers of a path. */
export function beginningOf(path: Path, layers: number): Path {
  return { ...path, masks: path.masks.slice(0, layers), ...(path.beside && { beside: path.beside.slice(0, layers) }) };
}

/** Keys of the hidden states after the first layer of a path, after the second, and so on to its last. */
export function keysAlong(context: RunContext, path: Path): ArtifactKey[] {
  return path.masks.map((_, index) => hiddenKey(context, beginningOf(path, index + 1)));
}

/** The dense model's path to the same layer, beside a pruned one. */
export function densePathBeside({ tokens, masks }: Path): Path {
  return { tokens, masks: masks.map(() => null), beside: masks };
}
