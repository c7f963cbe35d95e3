/** Inputs and outputs of the activities that work from shards of the calibration. */
import type { InitialMaskStage } from '../../app/config/pipeline.js';
import type { ArtifactKey, InitialMaskResult, Path, RebuildInput, RebuildResult, TokensRef, UnitResult, WithContext } from '../types.js';

/** Compute the sums of one shard from which a layer's initial masks are chosen. */
export interface GatherInput extends WithContext {
  stage: InitialMaskStage;
  layer: number;
  /** Path of the shard through the layers already pruned. */
  path: Path;
}
/** Add up the sums of all shards, and choose a layer's initial masks from the total. */
export interface ChooseMaskInput extends GatherInput {
  /** Path of all windows through the layers already pruned. */
  path: Path;
  /** In the order in which their sums are added. */
  shards: TokensRef[];
}

/** Work on the rebuild of a layer from shards of the calibration. */
export interface ShardedRebuildInput extends RebuildInput {
  /** The layer's masks after each sub-block that is already rebuilt. */
  blocks: ArtifactKey[];
}
/** Compute the sums of one shard for one step of the next sub-block's rebuild. `path` is the shard's. */
export interface GatherSubBlockInput extends ShardedRebuildInput {
  /** What the step before has stored. Absent in the first step. */
  state?: ArtifactKey;
}
/** The rebuilt masks of the whole layer are in the store, so nothing was done. Another run of this store may have made them. */
export interface LayerMade extends UnitResult {
  made: true;
}
/** The layer was not in the store, so the work was done. */
interface LayerPart extends UnitResult {
  made: false;
}
export type GatherSubBlockResult = LayerMade | LayerPart;
/** Add up the sums of all shards, and choose from the total: the masks of the sub-block, or what the next step needs. `path` is that of all windows. */
export interface RebuildSubBlockInput extends GatherSubBlockInput {
  /** In the order in which their sums are added. */
  shards: TokensRef[];
}
export type RebuildSubBlockResult = LayerMade | (LayerPart & {
  /** The layer's masks after this sub-block. */
  mask: ArtifactKey;
  /** Number of sub-blocks that are left in the layer. */
  left: number;
}) | (LayerPart & {
  /** The sub-block needs another step, which begins with this. */
  state: ArtifactKey;
});
/** The errors of a rebuilt layer on one shard. */
export type FinishShardResult = LayerMade | (LayerPart & {
  /** Error of each sub-block under its new masks, as a mean over the shard's sequences. */
  errors: number[];
});
/** Store a layer's rebuilt masks, and remove those of its sub-blocks. `path` is that of all windows. */
export interface CloseLayerInput extends ShardedRebuildInput {
  shards: TokensRef[];
  /** The states between the steps of each sub-block. They are removed, too. Absent if no sub-block had more than one step. */
  states?: ArtifactKey[][];
  /** Absent if the layer was found. */
  finished?: {
    /** The errors that each shard found, in the order of the shards. */
    errors: number[][];
    /** Seconds of work on the layer. */
    seconds: number;
  };
}

/** The activities that work from shards. */
export interface ShardActivities {
  gatherShard(input: GatherInput): Promise<UnitResult>;
  chooseMask(input: ChooseMaskInput): Promise<InitialMaskResult>;
  gatherSubBlock(input: GatherSubBlockInput): Promise<GatherSubBlockResult>;
  rebuildSubBlock(input: RebuildSubBlockInput): Promise<RebuildSubBlockResult>;
  finishShard(input: ShardedRebuildInput): Promise<FinishShardResult>;
  closeLayer(input: CloseLayerInput): Promise<RebuildResult>;
}
