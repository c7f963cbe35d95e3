/** The costs of a perplexity that is found in the store. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { findPerplexity, scorePerplexity } from '../../activities/evaluation.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { sampleEvaluation } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import type { EvaluationStage } from '../../app/config/pipeline.js';
import { demoPipeline, temporaryState } from '../helpers/demo-run.js';

let state: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ state, remove } = await temporaryState());
});
afterAll(() => remove());

it('reports what computing a reused perplexity cost, including the layers', async () => {
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const pipeline = demoPipeline();
  const context = await prepareRun({ pipeline }, bench);
  const [task] = (pipeline.stages.find(({ type }) => type === 'evaluation') as EvaluationStage).perplexity;
  const { tokens } = await sampleEvaluation({ context, task }, bench);
  const masks = new Array<null>(context.model.layers).fill(null);
  const whole = { context, path: { tokens, masks } };
  expect(await findPerplexity(whole, bench)).toBeNull();
  for (const layer of masks.keys()) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: null }, bench);
  const made = await scorePerplexity({ ...whole, spent: 1000 }, bench);
  expect(made.seconds).toBeLessThan(1000);
  expect(await findPerplexity(whole, bench)).toEqual({ ...made, seconds: 1000 + made.seconds, reused: true });
});
