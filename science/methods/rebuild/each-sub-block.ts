import { tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import { linearsOf } from '../../models/linears.js';
import type { SubBlock, Weights } from '../../models/index.js';
import { tokensIn } from '../parts/routed-tokens.js';
import { mergeMasks } from '../parts/working-masks.js';
import type { Settings } from '../settings.js';
import { LayerGuard, type LayerState } from './layer-guard.js';
import { runUnchanged } from './run-unchanged.js';
import type { RebuildRequest, RebuildResult, SubBlockEntry } from './method.js';
import type { SubBlockRebuild, SubBlockResult } from './sub-block.js';

type Rebuilt = Omit<SubBlockResult, 'report'> & { report: Omit<SubBlockEntry, 'block'> };
type Rebuild = (request: SubBlockRebuild, where: (decision: string) => void) => Promise<Rebuilt>;

interface Judgement {
  guarded?: boolean;
  targets?: () => Promise<Tensor3D[]>;
}

/** The progress of a layer's rebuild: the stream after the finished sub-blocks, and their entries. */
interface Progress extends LayerState {
  stream: Tensor3D[];
  entries: SubBlockEntry[];
}

/**
 * Rebuilds the sub-blocks of a layer one after the other, each on the output of the previous one.
 *
 * @param guarded for a mixture, whether to undo a rebuild of the attention, or of all experts, that raises the error of the layer's output
 * @param targets returns the target of that output; the output of the dense layer if absent
 */
export async function eachSubBlock<S extends Settings>(request: RebuildRequest<S>, ratio: number, rebuild: Rebuild, { guarded = false, targets }: Judgement = {}): Promise<RebuildResult> {
  const { layer, hidden, start: { masks, updates = new Map<string, Float32Array>() } } = request;
  const begin: Progress = { stream: hidden, masks, updates, entries: [] };
  const done = guarded && layer.subBlocks.some(({ expert }) => expert !== undefined)
    ? await rebuildJudged(request, begin, targets, (subBlocks, from) => rebuildAll(request, ratio, rebuild, subBlocks, from))
    : await rebuildAll(request, ratio, rebuild, layer.subBlocks, begin);
  return { hidden: done.stream, masks: done.masks, updates: new Map(done.updates), entries: done.entries };
}

async function rebuildAll<S extends Settings>(request: RebuildRequest<S>, ratio: number, rebuild: Rebuild, subBlocks: readonly SubBlock[], from: Progress): Promise<Progress> {
  const { dense, pattern, common, minTokens = 0, onProgress } = request;
  let progress = from;
  for (const subBlock of subBlocks) {
    const { block, expert } = subBlock;
    const name = expert === undefined ? block : `${block} ${expert.index}`;
    onProgress(name);
    const { stream, masks, updates, entries } = progress;
    const own: SubBlockRebuild = { subBlock, hidden: stream, dense, masks, updates, settings: { ...common, ratio, pattern } };
    const tokens = expert && tokensOf(subBlock, stream, dense);
    const few = tokens !== undefined && tokens < minTokens;
    const made: Rebuilt = few ? await runUnchanged(own) : await rebuild(own, (decision) => { onProgress(`${name}, ${decision}`); });
    const { rounds, ...report } = made.report;
    // A model may have thousands of experts. Their rounds would make the history too large.
    const entry: SubBlockEntry = { block, ...(expert && { expert: expert.index, tokens }), ...(few && { few }), ...report, ...(expert === undefined && rounds && { rounds }) };
    progress = { stream: made.hidden, masks: mergeMasks(masks, made.masks), updates: replacedUpdates(updates, subBlock, made.updates), entries: [...entries, entry] };
  }
  return progress;
}

/** Rebuilds the attention, then the experts. Checks the layer's output after each. */
async function rebuildJudged<S extends Settings>(
  { layer, dense, onProgress }: RebuildRequest<S>,
  begin: Progress,
  targets: Judgement['targets'],
  rebuildOf: (subBlocks: readonly SubBlock[], from: Progress) => Promise<Progress>,
): Promise<Progress> {
  const guard = await LayerGuard.open({ layer, hidden: begin.stream, dense, targets: await targets?.() });
  try {
    let progress = begin;
    let errorBefore = await guard.errorOf(begin);
    for (const [first, end] of [[0, 1], [1, layer.subBlocks.length]]) {
      const before = progress;
      const made = await rebuildOf(layer.subBlocks.slice(first, end), before);
      const error = end === layer.subBlocks.length ? guard.errorAfter(made.stream) : await guard.errorOf(made);
      const accepted = error <= errorBefore;
      const layerOutput = { errorBefore, error, accepted };
      onProgress(`layer's output: error ${errorBefore.toPrecision(3)} -> ${error.toPrecision(3)}${accepted ? '' : ', undone'}`);
      if (!accepted) tf.dispose(made.stream);
      progress = accepted ? made : await asBefore(layer.subBlocks.slice(0, end), { guard, dense, before, made });
      progress.entries[end - 1] = { ...progress.entries[end - 1], layerOutput };
      if (accepted) errorBefore = error;
    }
    return progress;
  } finally {
    guard.dispose();
  }
}

/** Runs the sub-blocks under the masks of `before`. Marks the entries of sub-blocks that were rebuilt since as undone. */
async function asBefore(subBlocks: readonly SubBlock[], { guard, dense, before, made }: { guard: LayerGuard; dense: Weights; before: Progress; made: Progress }): Promise<Progress> {
  let stream = guard.input();
  const { masks, updates } = before;
  const entries = [...before.entries];
  for (const [index, subBlock] of subBlocks.entries()) {
    stream = (await runUnchanged({ subBlock, hidden: stream, dense, masks, updates })).hidden;
    if (index >= before.entries.length) entries.push(undone(made.entries[index]));
  }
  return { stream, masks, updates, entries };
}

/** Returns an entry with nothing accepted. The sub-block's input is the same as before, and so is its error. */
function undone({ rounds, refit, ...entry }: SubBlockEntry): SubBlockEntry {
  return { ...entry, errorAfter: entry.errorBefore, grown: 0, pruned: 0, ...(rounds && { rounds: rounds.map((round) => ({ ...round, accepted: false })) }), ...(refit && { refit: { ...refit, accepted: false } }) };
}

/** Replaces the values of one sub-block's linears. Keeps those of other linears. */
export function replacedUpdates(updates: LayerState['updates'], subBlock: SubBlock, own: LayerState['updates'] = new Map()): LayerState['updates'] {
  const names = new Set(linearsOf(subBlock).map(({ name }) => name));
  return new Map([...[...updates].filter(([name]) => !names.has(name)), ...own]);
}

/** Returns the number of tokens of the stream that a sub-block reads. */
function tokensOf(subBlock: SubBlock, stream: readonly Tensor3D[], dense: Weights): number {
  return stream.reduce((sum, h) => sum + tf.tidy(() => tokensIn(subBlock, subBlock.enter(h, dense))), 0);
}
