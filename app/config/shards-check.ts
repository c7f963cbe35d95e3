import { allocationMethodOf, isAllocationMethod } from '../../science/methods/allocation/registry.js';
import { initialMethodOf, initialMethods, isInitialMethod } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf, rebuildMethods } from '../../science/methods/rebuild/registry.js';
import type { Pipeline } from './pipeline.js';
import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import { schemaAt } from './schema.js';
import { allocationOf, type ReadStage, type Settings } from './stages.js';
import { strategyOf } from './strategy.js';

const defaultSamples = schemaAt(['stages', '0', 'calibration', 'samples']).default as number;

/** Rejects more shards than windows, and stages that cannot work from the sums of shards. */
export function checkShards(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  let calibration: ReadStage | undefined;
  for (const stage of stages) {
    if (stage.type === 'calibration') {
      calibration = shardsOf(stage.settings) > 1 ? stage : undefined;
      checkNumber(stage, problems);
    } else if (calibration !== undefined) {
      const causes = [pointerOf([...calibration.path, 'shards'])];
      problems.push(...refusals(stage).map(({ path, what, expected, remedy }): ValueProblem => ({
        pointer: pointerOf(path), part: 'value', causes, message: `${what} does not work from shards of the calibration; expected ${expected}. ${remedy}, or remove \`shards\`.`,
      })));
    }
  }
}

function shardsOf({ shards }: Settings): number {
  return typeof shards === 'number' ? shards : 1;
}

function checkNumber({ settings, path }: ReadStage, problems: ValueProblem[]): void {
  const { samples = defaultSamples } = settings;
  const shards = shardsOf(settings);
  // A wrong number of windows is reported by itself.
  if (typeof samples !== 'number' || samples < 1 || shards <= samples) return;
  const message = `${shards} shards of ${samples} ${samples === 1 ? 'window' : 'windows'}; expected at most one shard for each window. Write \`shards: ${samples}\` or less, or raise \`samples\`.`;
  problems.push({ pointer: pointerOf([...path, 'shards']), part: 'value', causes: [pointerOf([...path, 'samples'])], message });
}

interface Refusal {
  path: ReadStage['path'];
  what: string;
  expected: string;
  remedy: string;
}

const oneOf = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' or ');

function refusals({ type, settings, path }: ReadStage): Refusal[] {
  if (type === 'rebuild') {
    const strategy = strategyOf(settings);
    const able = Object.keys(rebuildMethods).filter((name) => rebuildMethodOf(name as keyof typeof rebuildMethods).sharded !== undefined);
    if (able.includes(strategy)) return [];
    return [{ path: settings['strategy'] === undefined ? path : [...path, 'strategy'], what: `strategy \`${strategy}\``, expected: oneOf(able), remedy: 'Write `strategy: guarded`' }];
  }
  if (type !== 'initialMask') return [];
  const { method } = settings;
  const refused: Refusal[] = [];
  const able = Object.keys(initialMethods).filter((name) => canShard(name as keyof typeof initialMethods));
  if (isInitialMethod(method) && !able.includes(method)) {
    refused.push({ path: [...path, 'method'], what: `method \`${method}\``, expected: oneOf(able), remedy: 'Write `method: wanda`' });
  }
  const allocation = allocationOf(settings);
  if (isAllocationMethod(allocation) && allocationMethodOf(allocation).needs !== 'nothing') {
    refused.push({ path: [...path, 'allocation', 'method'], what: `allocation by \`${allocation}\``, expected: '`ramp` or `uniform`', remedy: 'Write `method: ramp`' });
  }
  return refused;
}

/** Methods that do not read windows have nothing to sum, so shards do not affect them. */
function canShard(name: keyof typeof initialMethods): boolean {
  const { needs, sharded } = initialMethodOf(name);
  return needs !== 'hidden-states' || sharded !== undefined;
}

/** Returns the indices of the stages that several workers may work on: those that read shards of their calibration, and evaluations after them. */
export function shardedStages({ stages }: Pick<Pipeline, 'stages'>): number[] {
  let isDivided = false;
  return stages.flatMap((stage, index) => {
    if (stage.type === 'calibration') isDivided = stage.shards !== undefined;
    const reads = stage.type === 'rebuild' || stage.type === 'evaluation' || (stage.type === 'initialMask' && initialMethodOf(stage.method).needs === 'hidden-states');
    return isDivided && reads ? [index] : [];
  });
}
