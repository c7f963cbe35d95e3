import { resolveTensors } from '../files/checkpoints/index.js';
import { linearsOf, type DecoderLayer } from '../science/models/index.js';
import type { OpenModel } from './workbench.js';

/** Returns the checkpoint's dtypes of a layer's linears, by weight name. Changed weights are rounded to the dtype that will be written. */
export function dtypesOf({ checkpoint }: OpenModel, layer: DecoderLayer): Map<string, string> {
  return new Map([...resolveTensors(checkpoint, linearsOf(layer))].map(([name, { dtype }]) => [name, dtype]));
}
