import type { ModelState } from '../../config/pipeline.js';
import { states } from '../../report/states.js';
import type { PipelineResult } from '../../../workflows/protocol.js';

/** A result file in the format of lm-evaluation-harness. */
export interface LmEvalFile {
  /** Folder and name, in the style of lm-evaluation-harness: `model/results_date.json`. */
  path: string;
  content: object;
}

/** The value that lm-evaluation-harness writes for a missing number. */
const missing = 'N/A';

/**
 * Returns the numbers of a run as result files of lm-evaluation-harness, one for each evaluated state of the model. Zero-shot scores have
 * its names (`acc,none`). A perplexity is `perplexity,none` of a task named after its text; it is per token of our tokenizer.
 * @param endedAt when the run ended, in milliseconds since the epoch
 */
export function lmEvalFiles(result: PipelineResult, endedAt: number): LmEvalFile[] {
  const judged = states.filter((state) => result.perplexity[state] !== undefined || result.zeroShot?.[state] !== undefined);
  return judged.map((state) => {
    const model = `${result.name}__${state}`;
    const date = new Date(endedAt).toISOString().replaceAll(':', '-').replace(/Z$/, '');
    return { path: `${model}/results_${date}.json`, content: contentOf(result, state, model, endedAt) };
  });
}

function contentOf(result: PipelineResult, state: ModelState, model: string, endedAt: number): object {
  const scores = Object.entries(result.zeroShot?.[state] ?? {});
  const texts = Object.entries(result.perplexity[state] ?? {});
  const names = [...scores, ...texts].map(([name]) => name);
  const each = (value: unknown): Record<string, unknown> => Object.fromEntries(names.map((name) => [name, value]));
  const source = state === 'dense' ? (result.model.repo ?? result.model.source) : result.checkpoint;
  return {
    results: {
      ...valuesOf(scores, (task, { acc, acc_stderr, acc_norm, acc_norm_stderr }) => ({
        alias: task, 'acc,none': acc, 'acc_stderr,none': acc_stderr ?? missing,
        ...(acc_norm !== null && { 'acc_norm,none': acc_norm, 'acc_norm_stderr,none': acc_norm_stderr ?? missing }),
      })),
      ...valuesOf(texts, (text, value) => ({ alias: text, 'perplexity,none': value, 'perplexity_stderr,none': missing })),
    },
    group_subtasks: each([]),
    configs: {
      ...valuesOf(scores, (task, { bos }) => ({ task, output_type: 'multiple_choice', num_fewshot: 0, metadata: { add_bos_token: bos } })),
      ...valuesOf(texts, (text) => ({ task: text, output_type: 'loglikelihood_rolling', num_fewshot: 0, metadata: { unit: 'token' } })),
    },
    versions: each(missing),
    'n-shot': each(0),
    higher_is_better: { ...valuesOf(scores, () => ({ acc: true, acc_norm: true })), ...valuesOf(texts, () => ({ perplexity: false })) },
    'n-samples': valuesOf(scores, (_, { documents }) => ({ original: documents, effective: documents })),
    config: { model: 'llm-barber-pipeline', model_args: `pretrained=${source}`, model_num_parameters: result.model.parameters, model_revision: result.model.revision ?? '', batch_size: null, device: result.engine.device, limit: null, bootstrap_iters: 0 },
    git_hash: null,
    date: endedAt / 1000,
    task_hashes: {},
    model_source: 'llm-barber-pipeline',
    model_name: model,
    model_name_sanitized: model,
    start_time: endedAt / 1000 - result.seconds.evaluation,
    end_time: endedAt / 1000,
    total_evaluation_time_seconds: String(result.seconds.evaluation),
  };
}

function valuesOf<T>(entries: readonly (readonly [string, T])[], make: (name: string, value: T) => object): Record<string, object> {
  return Object.fromEntries(entries.map(([name, value]) => [name, make(name, value)]));
}
