import { resolveTensors } from '../files/checkpoints/index.js';
import { linearsOf, type DecoderLayer } from '../science/models/index.js';
import type { OpenModel } from './workbench.js';

/** The checkpoint's dtypes of a layer's linears, by weight name: changed weights are rounded to what will be written. */
export function dtypesOf({ checkpoint }: OpenModel, layer: DecoderLayer): Map<string, string> {
  return new Map([...resolveTensors(checkpoint, linearsOf(layer))].map(([name, { dtype }]) => [name, dtype]));
}
