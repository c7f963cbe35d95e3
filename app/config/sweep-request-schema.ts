import { withValidator, type FileSchema, type Schema } from './schema.js';
import { maximumPoints } from './search-checks.js';
import { maximumMembers } from './sweep-checks.js';

const text = (maxLength: number): Schema => ({ type: 'string', maxLength });
const anyNumber: Schema = { type: 'number', examples: [1] };
const digest: Schema = { ...text(64), examples: ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'] };
const byKey = (schema: Schema): Schema => ({ type: 'object', additionalProperties: schema });
const exactly = (properties: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema =>
  ({ type: 'object', required: Object.keys(properties), additionalProperties: false, properties: { ...properties, ...optional } });

const members = (most: number): Schema => ({
  type: 'array', minItems: 1, maxItems: most,
  items: exactly({ name: text(200), values: byKey({ type: ['string', 'number', 'boolean'] }), changes: { type: 'array', items: { type: 'array', minItems: 2, maxItems: 2 } }, configDigest: digest }),
});
const searchable: Schema = { type: 'array', maxItems: 100, items: text(200) };
const source = exactly({ path: text(4096), text: text(1_000_000), folder: text(4096), overrides: { type: 'array', maxItems: 10_000, items: text(10_000) }, allowFloating: { type: 'boolean' } });

const outcome = exactly({ status: { enum: ['done', 'gateFailed', 'failed', 'cancelled', 'skipped'] } }, {
  perplexity: byKey(byKey(anyNumber)), accuracy: byKey(anyNumber), chance: anyNumber, sparsity: anyNumber, seconds: anyNumber, spent: anyNumber,
  checkpoint: text(4096), report: text(4096), because: text(100_000), error: exactly({ type: text(200), message: text(1_000_000) }),
});

/**
 * The schema of a sweep's request, except for the keys that are also in its file, and for the pipelines. Requests are written by the
 * client, so no file has this schema. Other keys are allowed beside these.
 */
export const sweepRequestSchema: Schema = {
  type: 'object',
  required: ['name', 'maxParallel', 'base', 'members', 'outcomes', 'membersPerRun', 'searchable', 'source', 'choice'],
  properties: {
    members: members(maximumMembers),
    outcomes: byKey(outcome),
    membersPerRun: { type: 'integer', minimum: 1, maximum: 1000, examples: [100] },
    searchable,
    source,
    choice: { type: 'object', required: ['matrix', 'exclude', 'include'] },
  },
};

export const sweepRequestFile: FileSchema = withValidator('request', sweepRequestSchema);

/** The same for a search's request. */
export const searchRequestSchema: Schema = {
  type: 'object',
  required: ['name', 'over', 'base', 'members', 'searchable', 'source'],
  properties: { members: members(maximumPoints), searchable, source },
};

export const searchRequestFile: FileSchema = withValidator('searchRequest', searchRequestSchema, 'request');
