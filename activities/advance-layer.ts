import { runLayer } from './run-path.js';
import type { AdvanceInput, UnitResult } from './types.js';
import type { Workbench } from './workbench.js';

/** Takes the hidden states of a path through one more decoder layer, dense or under its mask. */
export async function advanceLayer({ context, layer: index, path, mask, keep = false }: AdvanceInput, bench: Workbench): Promise<UnitResult> {
  await bench.engineOf(context);
  bench.onProgress(`layer ${index}`);
  const after = { ...path, masks: [...path.masks, mask] };
  // A retry: the result of the earlier attempt did not arrive.
  const known = await bench.hidden.secondsOf(context, after);
  if (known !== undefined) return { seconds: known, reused: false };

  // The time to recompute lost hidden states does not count as time of this layer.
  const hidden = await bench.hidden.take(context, path);
  const started = performance.now();
  const advanced = await bench.hidden.forward(path, 'with weights', () => runLayer(context, after, index, hidden, bench));
  const seconds = (performance.now() - started) / 1000;
  await bench.hidden.put(context, after, advanced, { seconds, keep });
  if (!keep) await bench.hidden.ensureDurable(context, after);
  return { seconds, reused: false };
}
