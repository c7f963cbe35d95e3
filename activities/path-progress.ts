import type { ArtifactKey, TokensRef } from './types.js';

/** How far a path has come, in seconds of forwards since this process started it. */
export interface PathProgress {
  /** Up to the layer that it has reached. */
  done: number;
  /** Up to the last states on disk. */
  durable: number;
  /** Stored states that are no longer needed once the current layer is finished. */
  obsolete: ArtifactKey[];
  /** What would have to be recomputed if this process ended now. */
  readonly atRisk: number;
}

/** Number of paths and sets of tokens that are remembered. A run has fewer at a time, even with the maximum number of shards. */
const most = 300;

/** Records the time of the forwards on every path in use, and how much of it is safe on disk. */
export class PathProgressTracker {
  /** By key of the states that the path has reached. */
  private readonly trails = new Map<ArtifactKey, PathProgress>();
  /** Seconds of a layer's forward, by key of the tokens. */
  private readonly forwards = new Map<ArtifactKey, number>();

  /** Records the time of a layer's forward. */
  measured({ key }: TokensRef, seconds: number): void {
    remember(this.forwards, key, seconds);
  }

  /** Returns the seconds of the last forward of these tokens through a layer. */
  forward({ key }: TokensRef): number | undefined {
    return this.forwards.get(key);
  }

  /** Starts a path at states that took some seconds to recompute. */
  begin(key: ArtifactKey, seconds: number): void {
    remember(this.trails, key, newTrail(seconds));
  }

  /** Moves a path on by one layer, whose forward takes some seconds. */
  advance(from: ArtifactKey, to: ArtifactKey, seconds: number): PathProgress {
    const trail = this.trails.get(from) ?? newTrail(0);
    this.trails.delete(from);
    trail.done += seconds;
    remember(this.trails, to, trail);
    return trail;
  }

  at(key: ArtifactKey): PathProgress | undefined {
    return this.trails.get(key);
  }
}

function newTrail(done: number): PathProgress {
  return {
    done,
    durable: 0,
    obsolete: [],
    get atRisk() {
      return this.done - this.durable;
    },
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
}
