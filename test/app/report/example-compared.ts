import { settingsOf } from '../../../app/report/view/compare-settings.js';
import type { ComparedRun } from '../../../app/report/view/compare-view.js';
import { exampleResult } from './example-result.js';

const settings = (ratio: number) => settingsOf({
  pipeline: { name: 'x', stages: [{ calibration: { dataset: { file: `./a/${ratio}.txt` } } }, { rebuild: { ratio } }] },
  model: { digest: 'm' }, files: { './a/0.1.txt': 'same', './a/0.2.txt': 'same' }, engine: { backend: 'wasm', version: '1', device: 'cpu', threads: 2 }, sequencesPerBatch: 4,
});

const linear = (layer: number, name: string, keptA: number, grown: number, pruned: number) => ({ name: `model.layers.${layer}.${name}.weight`, shapeKnown: true, weights: 100, keptA, keptB: keptA + grown - pruned, grown, pruned });

/** Two runs that differ in everything that a comparison shows. */
export const exampleCompared: ComparedRun[] = [
  { label: 'A', id: 'example-0123456789abcdef', result: exampleResult, settings: settings(0.1) },
  {
    label: 'B', id: 'other-0123456789abcdef', settings: settings(0.2),
    result: {
      ...exampleResult, name: 'other', perplexity: { ...exampleResult.perplexity, rebuilt: { 'held|out.txt': 5.32, ptb: 9.5 } }, seconds: { ...exampleResult.seconds, rebuild: 151, total: 155.5 },
      rebuild: { ...exampleResult.rebuild, grown: 345, layers: exampleResult.rebuild.layers.map((entry) => ({ ...entry, errorAfter: entry.errorAfter / 2 })) },
    },
    mask: {
      weights: 300, keptA: 150, keptB: 152, grown: 12, pruned: 10, onlyInA: [], onlyInB: [],
      linears: [linear(0, 'mlp.up_proj', 50, 10, 10), linear(0, 'self_attn.q_proj', 50, 2, 0), linear(1, 'self_attn.q_proj', 50, 0, 0)],
    },
  },
];
