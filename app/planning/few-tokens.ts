import type { Pipeline } from '../config/pipeline.js';
import type { ModelSize } from '../../science/cost/index.js';
import { initialMethodOf } from '../../science/methods/initial/registry.js';

/**
 * Tokens for each input of the widest linear below which fits follow their windows more than the text. On layer 8 of SmolLM2-135M at 2:4,
 * the error of unseen windows was 0.0130 after a fit to 5 tokens an input (0.0062 on its own windows), and 0.0104 with 21.
 */
const tokensPerInput = 16;

/** A stage that fits weights to fewer tokens than that. */
export interface FewTokens {
  /** Index of the stage in the pipeline. */
  stage: number;
  what: string;
  tokens: number;
  /** Inputs of the widest linear. */
  inputs: number;
  /** Windows of the same length that would be enough. */
  samples: number;
}

/** The stages that fit weights to too few calibration tokens. Masks alone need fewer. */
export function fewTokens({ stages }: Pipeline, size: ModelSize): FewTokens[] {
  const inputs = Math.max(...size.layer.inputWidths);
  const found: FewTokens[] = [];
  let windows = { samples: 0, sequenceLength: 1 };
  for (const [index, stage] of stages.entries()) {
    if (stage.type === 'calibration') windows = stage;
    const tokens = windows.samples * windows.sequenceLength;
    const what = stage.type === 'initialMask' && initialMethodOf(stage.method).updates ? stage.method : stage.type === 'rebuild' && stage.weights === 'refit' ? stage.strategy : undefined;
    if (what === undefined || tokens >= tokensPerInput * inputs) continue;
    found.push({ stage: index, what: `${stage.type} (${what})`, tokens, inputs, samples: Math.ceil((tokensPerInput * inputs) / windows.sequenceLength) });
  }
  return found;
}

/** In words, for a person. */
export function describeFewTokens({ what, tokens, inputs, samples }: FewTokens): string {
  return `${what} fits linears of ${inputs} inputs to ${tokens} tokens, ${(tokens / inputs).toPrecision(2)} an input; expected ${tokensPerInput} or more, so that the fit is good for other text. Set calibration.samples to ${samples} or more.`;
}
