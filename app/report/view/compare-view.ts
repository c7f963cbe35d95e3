/** Compares two or more finished runs: their results, and how they differ from the first. Pure: the same runs give the same view. */
import { byLayer, jaccard, type MaskDiff } from '../../../files/masks/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { mergeExperts } from '../sub-blocks.js';
import { compareNumbers, type ComparedNumber } from './compare-numbers.js';
import { differingSettings, type ComparedSetting, type RunSettings } from './compare-settings.js';
import { kindOf, sortedKinds } from './linear-kinds.js';

/** A finished run to compare. */
export interface ComparedRun {
  /** `A` for the first. */
  label: string;
  /** Name of its folder. */
  id: string;
  result: PipelineResult;
  /** Undefined if the run has no readable lock. */
  settings?: RunSettings;
  /** How its mask differs from that of the first run, or why that is not known; absent for the first. */
  mask?: MaskDiff | string;
}

export type { ComparedNumber } from './compare-numbers.js';
export type { ComparedSetting } from './compare-settings.js';

export interface CompareView {
  runs: { label: string; id: string; name: string; model: string; page?: string }[];
  numbers: ComparedNumber[];
  settings: ComparedSetting[];
  /** Labels of runs whose settings are not known. */
  unknown: string[];
  errors: ComparedErrors[];
  masks: ComparedMask[];
  /** Labels of runs whose masks cannot be compared, and why. */
  notMasks: { label: string; why: string }[];
}

/** The error that the rebuild left, for one kind of sub-block. */
export interface ComparedErrors {
  block: string;
  layers: number[];
  /** By run, then by layer; undefined if a run has no such sub-block. */
  left: (number | undefined)[][];
}

/** How similar a mask is to that of the first run. */
export interface ComparedMask {
  label: string;
  layers: string[];
  kinds: string[];
  /** Jaccard index of the kept weights, by layer, then by kind; undefined if a layer has no such linear. */
  cells: (number | undefined)[][];
  total: { jaccard: number; grown: number; pruned: number };
}

export function compareView(runs: readonly ComparedRun[]): CompareView {
  const others = runs.filter(({ mask }) => mask !== undefined);
  return {
    runs: runs.map(({ label, id, result: { name, model, page } }) => ({ label, id, name, model: model.repo ?? model.source, ...(page !== undefined && { page }) })),
    numbers: compareNumbers(runs.map(({ result }) => result)),
    settings: differingSettings(runs.map(({ settings }) => settings)),
    unknown: runs.filter(({ settings }) => settings === undefined).map(({ label }) => label),
    errors: errorsOf(runs),
    masks: others.flatMap(({ label, mask }) => (typeof mask === 'object' ? maskOf(label, mask) : [])),
    notMasks: others.flatMap(({ label, mask }) => (typeof mask === 'string' ? { label, why: mask } : [])),
  };
}

function errorsOf(runs: readonly ComparedRun[]): ComparedErrors[] {
  const entries = runs.map(({ result }) => mergeExperts(result.rebuild.layers));
  const blocks = [...new Set(entries.flat().map(({ block }) => block))];
  return blocks.map((block) => {
    const layers = [...new Set(entries.flat().filter((entry) => entry.block === block).map(({ layer }) => layer))].sort((a, b) => a - b);
    const left = entries.map((own) => {
      const at = new Map(own.filter((entry) => entry.block === block).map(({ layer, errorAfter }) => [layer, errorAfter]));
      return layers.map((layer) => at.get(layer));
    });
    return { block, layers, left };
  });
}

function maskOf(label: string, diff: MaskDiff): ComparedMask {
  const layers = byLayer(diff.linears);
  const kinds = sortedKinds(diff.linears.map(({ name }) => kindOf(name)));
  return {
    label, kinds,
    layers: layers.map(([layer]) => String(layer ?? 'other')),
    cells: layers.map(([, linears]) => kinds.map((kind) => {
      const own = linears.filter(({ name }) => kindOf(name) === kind);
      const sum = (key: 'keptA' | 'grown' | 'pruned'): number => own.reduce((total, linear) => total + linear[key], 0);
      return own.length === 0 ? undefined : jaccard({ ...own[0], keptA: sum('keptA'), grown: sum('grown'), pruned: sum('pruned') });
    })),
    total: { jaccard: jaccard(diff), grown: diff.grown, pruned: diff.pruned },
  };
}
