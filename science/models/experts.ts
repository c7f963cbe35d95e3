import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { gatedMlp } from './gated-mlp.js';
import { configuredNorm } from './residual-norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { SubBlocksOfLayer } from './rotary-decoder.js';
import { expertWeights, gatherTokens, placeTokens, routedTokens } from './routing.js';
import type { RoutedTokens, Router } from './routing.js';
import { applyLinear } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import type { DecoderModel, LinearSpec, SubBlock, TensorSpec, Weights } from './types.js';

/** What differs between the mixtures of the families. */
export interface Mixture extends Router {
  /** Path of router and experts, after the layer's path. */
  path: string;
  /** Names of an expert's gate, up and down; default `gate_proj`, `up_proj`, `down_proj`. */
  names?: readonly [string, string, string];
  intermediateSize: number;
  /** An additional expert of this width for all tokens, weighted by a gate of its own. */
  shared?: { intermediateSize: number };
}

const normName = 'post_attention_layernorm';

/**
 * The sub-blocks of a decoder layer whose MLP is a mixture of experts (Shazeer et al. 2017): attention, each expert, and the shared
 * expert if there is one. Each expert runs only on the tokens that are routed to it.
 *
 * The sub-blocks run one after the other. Between them, the stream is `[h | sum | weights]`: the stream after the attention, which
 * router and experts read; its sum with the outputs of the experts so far; and the weight of each expert for each token. So the
 * routing is computed once, from the actual stream.
 */
function mixtureOfExperts(config: RotaryConfig, layer: string, attention: SubBlockWithNorms, mixture: Mixture): SubBlockWithNorms[] {
  const { experts, expertsPerToken: chosen, names, intermediateSize, shared } = mixture;
  const path = `${layer}.${mixture.path}`;
  const gate: LinearSpec = { name: `${path}.gate.weight`, shape: [experts, config.hiddenSize] };
  const sharedGate: LinearSpec = { name: `${path}.shared_expert_gate.weight`, shape: [1, config.hiddenSize] };
  const normed = (x: Tensor3D, weights: Weights): Tensor3D => configuredNorm(config, x, `${layer}.${normName}.weight`, weights);
  const stream = streamOf(config.hiddenSize);
  const routers: TensorSpec[] = [gate, ...(shared === undefined ? [] : [sharedGate])];

  const routing: SubBlockWithNorms = {
    ...attention,
    norms: [...attention.norms, { name: `${layer}.${normName}.weight`, shape: [config.hiddenSize] }, ...routers],
    leave: (h, y, weights) =>
      tf.tidy(() => {
        const after = attention.leave(h, y, weights);
        return tf.concat([after, after, expertWeights(applyLinear(normed(after, weights), gate, weights), mixture)], 2);
      }),
  };
  const mlp = (own: string, width: number, block: SubBlock['block']): SubBlockWithNorms => ({ ...gatedMlp(config, layer, { path: own, names, intermediateSize: width }), block, norms: [] });
  const ofTokens = Array.from({ length: experts }, (_, index): SubBlockWithNorms => {
    // `enter` and `leave` read the same stream, sometimes repeatedly, and each reading waits for the device.
    const known = new WeakMap<Tensor3D, RoutedTokens>();
    const routed = (h: Tensor3D): RoutedTokens => {
      const tokens = known.get(h) ?? routedTokens(stream.weight(h, index));
      known.set(h, tokens);
      return tokens;
    };
    return {
      ...mlp(`${mixture.path}.experts.${index}`, intermediateSize, 'expert'),
      expert: { index, share: chosen / experts },
      enter: (h, weights) => tf.tidy(() => gatherTokens(flat(h), routed(h), (rows) => normed(stream.entered(rows), weights))),
      leave: (h, y) => tf.tidy(() => stream.withOutput(h, y, routed(h), index)),
      routedAs: (d, h) => tf.tidy(() => stream.withRouting(d, h)),
      // The weights of a token's experts add up to 1 or less. If less, together they compensate only a part of the difference.
      compensate: (y, d, h) => tf.tidy(() => y.add(gatherTokens(flat(stream.entered(d).sub<Tensor3D>(stream.entered(h))), routed(h), (rows) => rows))),
    };
  });
  const ofAll = shared && {
    ...mlp(`${mixture.path}.shared_expert`, shared.intermediateSize, 'shared expert'),
    enter: (h: Tensor3D, weights: Weights) => tf.tidy(() => normed(stream.entered(h), weights)),
    leave: (h: Tensor3D, y: Tensor3D, weights: Weights) =>
      tf.tidy(() => stream.sum(h).add<Tensor3D>(applyLinear(normed(stream.entered(h), weights), sharedGate, weights).sigmoid().mul(y))),
    // The routed experts compensate already.
    compensate: (y: Tensor3D) => y,
  };
  if (ofAll !== undefined) return [routing, ...ofTokens, ofAll];
  const last = ofTokens[experts - 1];
  const leave: SubBlock['leave'] = (h, y, weights) => tf.tidy(() => stream.sum(last.leave(h, y, weights)));
  return [routing, ...ofTokens.slice(0, -1), { ...last, leave }];
}

/** The attention of each layer, and whether a layer has a mixture; by default, all layers have one. */
interface MixedLayers {
  attention: (layer: string, index: number) => SubBlockWithNorms;
  mixed?: (index: number) => boolean;
}

/** A decoder in which all or some layers have a mixture of experts instead of an MLP. */
export function mixtureDecoder(family: string, config: RotaryConfig, mixture: Mixture, { attention, mixed = () => true }: MixedLayers): DecoderModel {
  const subBlocks: SubBlocksOfLayer = (layer, index) =>
    (mixed(index) ? mixtureOfExperts(config, layer, attention(layer, index), mixture) : [attention(layer, index), gatedMlp(config, layer)]);
  return { ...rotaryDecoder(family, config, subBlocks), experts: mixture.experts, streamsInLayer: 2 + mixture.experts / config.hiddenSize };
}

/** `[batch, time, width]` -> `[batch * time, width]` */
function flat(h: Tensor3D): Tensor2D {
  return h.reshape([-1, h.shape[2]]);
}

/** The parts of the stream between the sub-blocks of a mixture. */
function streamOf(hidden: number) {
  const part = (h: Tensor3D, from: number, width: number): Tensor3D => h.slice([0, 0, from], [-1, -1, width]);
  const entered = (h: Tensor3D): Tensor3D => part(h, 0, hidden);
  const sum = (h: Tensor3D): Tensor3D => part(h, hidden, hidden);
  const weight = (h: Tensor3D, expert: number): Tensor3D => part(h, 2 * hidden + expert, 1);
  /** The stream with an expert's weighted output y `[batch, most, hidden]` added to its sum. */
  const withOutput = (h: Tensor3D, y: Tensor3D, tokens: RoutedTokens, expert: number): Tensor3D => {
    const output = placeTokens(y, tokens, h.shape[0] * h.shape[1]).reshape<Tensor3D>([h.shape[0], h.shape[1], hidden]);
    return tf.concat([entered(h), sum(h).add<Tensor3D>(weight(h, expert).mul(output)), part(h, 2 * hidden, -1)], 2);
  };
  const withRouting = (d: Tensor3D, h: Tensor3D): Tensor3D => tf.concat([part(d, 0, 2 * hidden), part(h, 2 * hidden, -1)], 2);
  return { entered, sum, weight, withOutput, withRouting };
}
