import { createHash } from 'node:crypto';
import { readSafetensorsHeader, type Checkpoint, type TensorInfo } from '../checkpoints/index.js';
import { countLinear, type FileFacts, type LinearFacts } from './facts.js';
import { nameFinder } from './layers.js';
import { LinearScan } from './linear-scan.js';
import { UnprunedTensorScan } from './unpruned-tensor-scan.js';
import type { PlannedLinear } from './plan-linears.js';
import type { RangeReader } from './range-reader.js';
import type { Violations } from './violations.js';

export interface ScannerParts {
  reader: RangeReader;
  source: Checkpoint | undefined;
  planned: ReadonlyMap<string, PlannedLinear>;
  values: 'dense' | 'updated' | undefined;
  violations: Violations;
  /** The pattern that must hold, if one is given. */
  stated: string | undefined;
}

/** Reads the weight files of a checkpoint once, and checks and hashes the same bytes. */
export class CheckpointScanner {
  readonly linears: LinearFacts[] = [];
  private readonly inSource: (name: string) => TensorInfo | undefined;

  constructor(private readonly parts: ScannerParts) {
    this.inSource = nameFinder(parts.source?.tensors ?? []);
  }

  /**
   * @param digests receives the SHA-256 of every tensor
   * @param advance called with the number of bytes since the last call
   */
  async scanFile(file: string, digests: Record<string, string>, advance: (bytes: number) => void): Promise<FileFacts> {
    const { reader } = this.parts;
    const { tensors, dataBegin } = await readSafetensorsHeader(file);
    const hash = createHash('sha256');
    let bytes = dataBegin;
    for await (const piece of reader.pieces(file, 0, dataBegin)) hash.update(piece);
    for (const info of tensors.values()) {
      const tensorHash = createHash('sha256');
      const { take, end } = await this.visit(info);
      for await (const piece of reader.pieces(file, info.begin, info.end)) {
        hash.update(piece);
        tensorHash.update(piece);
        await take(piece, bytes - info.begin);
        bytes += piece.length;
        advance(piece.length);
      }
      end();
      digests[info.name] = tensorHash.digest('hex');
    }
    return { file, bytes, sha256: hash.digest('hex') };
  }

  private async visit(info: TensorInfo): Promise<{ take: (piece: Buffer, at: number) => Promise<void>; end: () => void }> {
    const { violations, values, planned } = this.parts;
    const plan = planned.get(info.name);
    const sourceBytes = this.sourceBytes(info);
    if (plan === undefined) {
      const scan = new UnprunedTensorScan(info, sourceBytes, violations);
      return { take: (piece, at) => scan.take(piece, at), end: () => undefined };
    }
    const mask = await plan.readBits?.();
    const scan = new LinearScan(plan.info, { mask, values, sourceBytes }, violations);
    const end = (): void => {
      const bits = { name: info.name, shape: plan.info.shape, bits: mask ?? scan.nonzero };
      const facts = countLinear(bits, { stated: this.parts.stated, strictness: mask === undefined ? 'atMost' : 'exactly' }, violations);
      this.linears.push({
        ...facts,
        ...(mask === undefined ? {} : { keptZeros: { count: scan.keptZeros, first: scan.keptZeroExamples } }),
        ...(sourceBytes === undefined ? {} : { changed: scan.changed }),
      });
    };
    return { take: (piece, at) => scan.take(piece, at), end };
  }

  /** Reads the same bytes of the dense model; undefined if its tensor is missing or differs in dtype or size, which is reported elsewhere. */
  private sourceBytes(info: TensorInfo): ((begin: number, end: number) => Promise<Buffer>) | undefined {
    const original = this.inSource(info.name);
    if (original === undefined || original.dtype !== info.dtype || original.end - original.begin !== info.end - info.begin) return undefined;
    return (begin, end) => this.parts.reader.read(original.file, original.begin + begin, original.begin + end);
  }
}
