import { parse, stringify } from 'yaml';
import type { CardRequest } from '../../activities/outputs/publish.js';
import { accuracyRows, questionsText } from './accuracies.js';
import { formatInteger, formatPercent } from './format.js';
import { gateRows } from './gates.js';
import { markdownTable } from './markdown.js';
import { perplexityRows } from './perplexities.js';
import { states } from './states.js';

/**
 * Returns the card of a pruned model for a hub: its description, numbers and mask, how it was made, and how to load it. The card contains
 * no paths and no times, so that equal runs have equal cards.
 */
export function renderCard(request: CardRequest): string {
  const sections = [title(request), numbers(request), gates(request), mask(request), loading(request), making(request)];
  return `---\n${stringify(frontMatter(request), { lineWidth: 0 })}---\n\n${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Entries of the dense model's card, such as its licence, that also hold for the pruned model. */
const inherited = ['license', 'license_name', 'license_link', 'language'] as const;

function frontMatter({ result, denseCard }: CardRequest): Record<string, unknown> {
  const dense = metadataOf(denseCard);
  const { model, name, perplexity } = result;
  const last = states.findLast((state) => perplexity[state] !== undefined);
  const metrics = Object.entries((last === undefined ? undefined : perplexity[last]) ?? {}).map(([dataset, value]) => ({
    task: { type: 'text-generation' }, dataset: { name: dataset, type: dataset }, metrics: [{ type: 'perplexity', value }],
  }));
  return {
    ...Object.fromEntries(inherited.filter((key) => dense[key] !== undefined).map((key) => [key, dense[key]])),
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    ...(model.repo !== undefined && { base_model: model.repo }),
    tags: ['pruned', 'sparse', 'llm-barber', ...(result.pattern === 'unstructured' ? [] : [result.pattern])],
    ...(metrics.length > 0 && { 'model-index': [{ name, results: metrics }] }),
  };
}

function metadataOf(card: string | undefined): Record<string, unknown> {
  const [, text] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card ?? '') ?? [];
  try {
    const value: unknown = text === undefined ? {} : parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // The card was written by somebody else and may not be valid.
    return {};
  }
}

function title({ result: { name, model, sparsity, pattern }, denseCard }: CardRequest): string {
  const source = model.repo === undefined ? `a ${model.family} model` : `[${model.repo}](https://huggingface.co/${model.repo}) at commit \`${model.revision ?? ''}\``;
  const card = denseCard === undefined ? '' : ' The card of the dense model is in [DENSE_MODEL_CARD.md](DENSE_MODEL_CARD.md).';
  return [
    `# ${name}`,
    `This is ${source}, pruned: ${formatPercent(sparsity.actual)} of the ${formatInteger(model.prunable)} weights of its linears are zero (${pattern === 'unstructured' ? 'unstructured' : `pattern ${pattern}`}). `
      + `It has ${formatInteger(model.parameters)} parameters in ${model.layers} decoder layers.${card}`,
  ].join('\n\n');
}

function numbers({ result }: CardRequest): string {
  const [perplexities, accuracies] = [perplexityRows(result), accuracyRows(result)];
  if (perplexities.length + accuracies.length === 0) return '';
  return [
    '## Numbers',
    '`dense` is the model before pruning, `initial` the model after the first mask, `rebuilt` the one after the rebuild.',
    ...(perplexities.length === 0 ? [] : [markdownTable(perplexities)]),
    ...(accuracies.length === 0 ? [] : [markdownTable(accuracies), `Documents: ${questionsText(result)}.`]),
  ].join('\n\n');
}

function gates({ result: { gates: judged = [], sparsity } }: CardRequest): string {
  // The time of a run is not a property of its model.
  const lasting = judged.filter(({ quantity }) => quantity !== 'seconds');
  return lasting.length === 0 ? '' : ['## Quality gates', markdownTable(gateRows(lasting, sparsity))].join('\n\n');
}

function mask({ result: { sparsity, pattern, digests } }: CardRequest): string {
  return [
    '## Mask',
    markdownTable([['pattern', 'asked', 'found'], [pattern, formatPercent(sparsity.target), formatPercent(sparsity.actual)]]),
    '`pruning/mask.safetensors` has one bit for each weight of each pruned linear: row-major, lowest bit first, 1 = kept. '
      + '`pruning/proof.json` lists what was checked in the mask and the checkpoint, with their digests.',
    ...(digests === undefined ? [] : [markdownTable([['file', 'SHA-256'], ['`pruning/mask.safetensors`', `\`${digests.mask}\``], ...Object.entries(digests.checkpoint).map(([file, sha256]) => [`\`${file}\``, `\`${sha256}\``])])]),
  ].join('\n\n');
}

function loading({ repository }: CardRequest): string {
  return [
    '## How to load it',
    'The layout is that of the dense model, with zeros in it. Any program that loads the dense model also loads this one:',
    `\`\`\`python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\nmodel = AutoModelForCausalLM.from_pretrained("${repository}")\ntokenizer = AutoTokenizer.from_pretrained("${repository}")\n\`\`\``,
    'It takes as much memory as the dense model. To check the zeros in a downloaded copy:',
    '```sh\nnpx llm-barber-pipeline mask verify FOLDER --mask FOLDER/pruning/mask.safetensors\n```',
  ].join('\n\n');
}

function making({ result: { engine }, lock }: CardRequest): string {
  const text = `Made with [LLM-Barber](https://arxiv.org/abs/2408.10631) pipelines on ${engine.backend} ${engine.version} (${engine.device}).`;
  if (lock === undefined) return ['## How it was made', text].join('\n\n');
  return [
    '## How it was made',
    `${text} Version ${lock.package} of llm-barber-pipeline ran this pipeline:`,
    `\`\`\`yaml\n${stringify(lock.pipeline, { lineWidth: 0, aliasDuplicateObjects: false })}\`\`\``,
    '`pruning/pipeline.lock.yaml` has digests of everything that determines the bits. The same pipeline with `--locked pipeline.lock.yaml` gives the same bits or fails.',
  ].join('\n\n');
}
