import type { Pipeline } from '../app/config/pipeline.js';
import { labelsOf } from './run-labels.js';

/** Limits in characters. The server takes 400 bytes of a summary and 20,000 of details, and encryption adds to them. */
const longest = { summary: 60, details: 2000 };

/** The fixed description of a run on Temporal's own page: one line, and a list in Markdown. */
export function describePipeline({ name, model, stages, gates = [] }: Pick<Pipeline, 'name' | 'model' | 'stages' | 'gates'>): { staticSummary: string; staticDetails: string } {
  const labels = labelsOf({ model, stages, gates });
  const share = labels.sparsity === undefined ? [] : [`${Number((100 * labels.sparsity).toPrecision(4))} %`];
  const details = [
    `Pipeline \`${name}\`, model \`${model.source}\``, '',
    ...stages.map((stage, index) => `${index + 1}. ${stage.type}`),
    ...(gates.length === 0 ? [] : ['', `${gates.length} quality gates`]),
  ];
  return {
    staticSummary: [labels.model, ...share, ...(labels.pattern === undefined || labels.pattern === 'unstructured' ? [] : [labels.pattern]), labels.methods.join(', ')].filter((word) => word !== '').join(', ').replace(/\p{Cc}/gu, ' ').slice(0, longest.summary),
    staticDetails: details.join('\n').slice(0, longest.details),
  };
}
