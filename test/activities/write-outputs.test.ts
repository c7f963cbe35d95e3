/** The outputs of a run are written one layer at a time. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLayerBits } from '../../activities/layer-files.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { readSafetensorsHeader } from '../../files/checkpoints/index.js';
import { linearsOf } from '../../science/models/index.js';
import { demoPipeline, temporaryState, type BegunRun } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';

let state: string;
let remove: () => Promise<void>;
let store: ArtifactStore;
let bench: Workbench;
let run: BegunRun;
beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  store = new ArtifactStore(join(state, 'artifacts'));
  bench = new Workbench(state, store);
  run = await beginHere(demoPipeline(), bench);
});
afterAll(() => remove());

it('writes the masks of a layer to the file before it reads those of the next one', async () => {
  /** Size of the mask file in bytes whenever a layer's masks are read. */
  const written: number[] = [];
  const watched = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'readPieces') {
        const folder = join(state, 'runs', 'watched');
        const partial = existsSync(folder) ? readdirSync(folder).find((file) => file.includes('mask.safetensors') && file.endsWith('.partial')) : undefined;
        if (partial !== undefined) written.push(statSync(join(folder, partial)).size);
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const { mask, pruned } = await writeOutputs({ context: run.context, workflowId: 'watched', masks: run.initial }, new Workbench(state, watched));

  const { tensors, dataBegin } = await readSafetensorsHeader(mask);
  const { model } = await bench.model(run.context.model);
  const layerBytes = linearsOf(model.decoderLayer(0)).reduce((sum, { name }) => sum + (tensors.get(name)?.end ?? 0) - (tensors.get(name)?.begin ?? 0), 0);
  expect(written).toEqual(run.initial.map((_, layer) => dataBegin + layer * layerBytes));

  const bytes = await readFile(mask);
  let zeros = 0;
  for (const [layer, key] of run.initial.entries()) {
    for (const [name, bits] of await readLayerBits(store, key, model.decoderLayer(layer))) {
      const { begin: from = 0, end = 0, shape = [] } = tensors.get(name) ?? {};
      expect(bytes.subarray(from, end).equals(bits)).toBe(true);
      expect(shape).toEqual([bits.length]);
      for (const byte of bits) for (let bit = 0; bit < 8; bit++) zeros += 1 - ((byte >> bit) & 1);
    }
  }
  expect(pruned).toBe(zeros);
});
