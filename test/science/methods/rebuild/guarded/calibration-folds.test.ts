import { beforeAll, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import { CalibrationFolds } from '../../../../../science/methods/rebuild/guarded/calibration-folds.js';
import { runSubBlock } from '../../../../../science/models/sub-block.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { toyLayer } from '../../parts/reconstruct/toy-layer.js';

beforeAll(() => openTestEngine());

it.each([0, 1])('the dense outputs of a shard with fewer windows than folds are in the order of its windows: every second, from %i', async (first) => {
  const toy = await toyLayer('llama', [3]);
  const { layer: { subBlocks: [subBlock] }, weights: dense, windows: [{ h }] } = toy;
  const folds = await CalibrationFolds.openShard({ subBlock, dense, hidden: [h] }, 4, { first, step: 2, total: 6 });
  const [output, expected] = [folds.denseOutput(0), tf.tidy(() => runSubBlock(subBlock, subBlock.enter(h, dense), dense))];
  expect([...output.dataSync<'float32'>()]).toEqual([...expected.dataSync<'float32'>()]);
  tf.dispose([output, expected]);
  folds.dispose();
  toy.dispose();
});
