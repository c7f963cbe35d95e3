import { ArtifactStore, type Json } from '../files/artifacts/index.js';
import { numericsOf } from './numerics.js';
import type { ArtifactKey, Path, RunContext } from './types.js';

/** Everything that determines the hidden states after a path's layers. */
export function hiddenDependsOn(context: RunContext, path: Path): Json {
  return { ...numericsOf(context), model: context.model.digest, tokens: path.tokens.key, masks: path.masks, ...(path.beside && { beside: path.beside }) };
}

/** Returns the key of the hidden states after a path's layers. */
export function hiddenKey(context: RunContext, path: Path): ArtifactKey {
  return ArtifactStore.key('hidden', hiddenDependsOn(context, path));
}

/** Returns the first layers of a path. */
export function pathPrefix(path: Path, layers: number): Path {
  return { ...path, masks: path.masks.slice(0, layers), ...(path.beside && { beside: path.beside.slice(0, layers) }) };
}

/** Checks whether a layer is the model's last one. */
export function isLast({ model }: RunContext, layer: number): boolean {
  return layer + 1 === model.layers;
}

/** Returns the keys of the hidden states after each layer of a path, in order. */
export function keysAlong(context: RunContext, path: Path): ArtifactKey[] {
  return path.masks.map((_, index) => hiddenKey(context, pathPrefix(path, index + 1)));
}

/** Returns the dense model's path to the same layer, beside a pruned path. */
export function densePathOf({ tokens, masks }: Path): Path {
  return { tokens, masks: masks.map(() => null), beside: masks };
}
