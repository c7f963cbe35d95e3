import { openEngine, type Engine, type EngineRequest } from '../../science/engine/index.js';

/** Thrown before a task begins if the engine that this process has opened does not serve the request. */
export class OtherEngineNeeded extends Error {}

/** The engine of this process. The first task opens it, and it stays open. */
export class EngineSlot {
  private opened: { request: EngineRequest; engine: Engine } | undefined;

  /** Returns the engine for a request. @throws OtherEngineNeeded if a different engine is open already */
  async get(request: EngineRequest): Promise<Engine> {
    if (this.opened === undefined) {
      this.opened = { request, engine: await openEngine(request) };
    } else if (!this.serves(this.opened, request)) {
      throw new OtherEngineNeeded();
    }
    return this.opened.engine;
  }

  private serves({ request: former, engine }: { request: EngineRequest; engine: Engine }, request: EngineRequest): boolean {
    if (request.threads !== undefined && request.threads !== engine.threads) return false;
    if ((request.precision ?? 'float32') !== (engine.precision ?? 'float32')) return false;
    // Only a process that opened its engine with `auto` knows what `auto` stands for.
    return request.backend === 'auto' ? former.backend === 'auto' : request.backend === engine.backend;
  }
}
