import type { ArtifactKey, TokensRef } from './types.js';

/** How far a path is, in seconds of forwards since this process took it up. */
export interface Trail {
  /** To the layer that it has reached. */
  done: number;
  /** To the last states that are on disk. */
  durable: number;
  /** Stored states that are not needed once the layer that it has reached is finished. */
  outlived: ArtifactKey[];
  /** What would have to be run again if this process ended now. */
  readonly atRisk: number;
}

/** Paths and sets of tokens that are remembered: more than a run has at a time, with as many shards as there can be. */
const most = 300;

/** What the forwards on every path in use have taken, and how much of that is on disk. */
export class Trails {
  /** By key of the states that the path has reached. */
  private readonly trails = new Map<ArtifactKey, Trail>();
  /** Seconds of a layer's forward, by key of the tokens. */
  private readonly forwards = new Map<ArtifactKey, number>();

  /** Notes what a forward of a layer took. */
  measured({ key }: TokensRef, seconds: number): void {
    remember(this.forwards, key, seconds);
  }

  /** Seconds of the last forward of these tokens through a layer. */
  forward({ key }: TokensRef): number | undefined {
    return this.forwards.get(key);
  }

  /** Takes a path up at states that took some seconds to make again. */
  begin(key: ArtifactKey, seconds: number): void {
    remember(this.trails, key, newTrail(seconds));
  }

  /** A path has gone on by a layer, whose forward takes some seconds. */
  advance(from: ArtifactKey, to: ArtifactKey, seconds: number): Trail {
    const trail = this.trails.get(from) ?? newTrail(0);
    this.trails.delete(from);
    trail.done += seconds;
    remember(this.trails, to, trail);
    return trail;
  }

  at(key: ArtifactKey): Trail | undefined {
    return this.trails.get(key);
  }
}

function newTrail(done: number): Trail {
  return {
    done,
    durable: 0,
    outlived: [],
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
