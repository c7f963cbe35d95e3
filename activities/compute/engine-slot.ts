import { openEngine, type Engine, type EngineRequest } from '../../science/engine/index.js';

/** Thrown before a task begins, if this process has opened an engine that does not serve the request. */
export class OtherEngineNeeded extends Error {}

/** The engine of this process: opened by the first task, for good. */
export class EngineSlot {
  private opened: { request: EngineRequest; engine: Engine } | undefined;

  /** The engine for a request. @throws OtherEngineNeeded if another one is open already. */
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
    // What `auto` means can only be asked of a process that opened its engine by it.
    return request.backend === 'auto' ? former.backend === 'auto' : request.backend === engine.backend;
  }
}
