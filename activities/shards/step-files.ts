import type { ArtifactDraft, ArtifactStore, Json } from '../../files/artifacts/index.js';
import { packedBytes } from '../../files/masks/index.js';
import { linearsOf, type SubBlock } from '../../science/models/index.js';
import { MaskSet, type StepState } from '../../science/methods/index.js';
import { packedMasks, readUpdates, writeUpdates } from '../layer-files.js';
import type { ArtifactKey } from '../types.js';

/** All masks of a state in sequence, each as packed bits of the sub-block's linears. */
const masksFile = 'masks.bits';

/** The part of a state that is in the manifest. */
interface Summary {
  notes: object;
  masks: number;
}

/** Writes what a rebuild of a sub-block knows between two steps. @returns the part that belongs in the manifest */
export async function writeState(draft: ArtifactDraft, subBlock: SubBlock, { notes, masks, values }: StepState): Promise<Json> {
  await draft.write(masksFile, masks.flatMap((one) => packedMasks(linearsOf(subBlock), one)));
  await writeUpdates(draft, values);
  return { notes, masks: masks.length } satisfies Summary as unknown as Json;
}

/** @throws ArtifactLostError if the state is gone or damaged */
export async function readState(store: ArtifactStore, key: ArtifactKey, subBlock: SubBlock): Promise<StepState> {
  const { notes = {}, masks: count = 0 } = ((await store.find('mask', key))?.summary ?? {}) as Partial<Summary>;
  const linears = linearsOf(subBlock);
  const pieces: Uint8Array[] = [];
  for await (const piece of store.readPieces('mask', key, masksFile, Array.from({ length: count }, () => linears.map(({ shape }) => packedBytes(shape))).flat())) pieces.push(piece);
  const masks = Array.from({ length: count }, (_, mask) => MaskSet.ofBits(linears, new Map(linears.map(({ name }, index) => [name, pieces[mask * linears.length + index]]))));
  const values = new Map<string, Float32Array>();
  for (const { name } of linears) {
    const own = await readUpdates(store, key, name);
    if (own !== undefined) values.set(name, own);
  }
  return { notes, masks, values };
}

/** Whether an artifact of masks is a state between two steps. */
export function isState(summary: Json): boolean {
  return (summary as Partial<Summary>).notes !== undefined;
}
