import type { ErrorObject } from 'ajv/dist/2020.js';
import { allocationMethods } from '../../science/methods/allocation/registry.js';
import { initialMethods } from '../../science/methods/initial/registry.js';
import { nearest } from './nearest.js';
import { pointerOf, segmentsOf } from './source-locations.js';
import { pipelineFile, schemaAt } from './schema.js';
import type { FileSchema, Schema } from './schema.js';

/** A problem of a value, whose place is found through its JSON pointer. */
export interface ValueProblem {
  /** JSON pointer of the value. */
  pointer: string;
  /** Whether the problem is about the key or the value. */
  part: 'key' | 'value';
  message: string;
  /** Offset in the value, in characters, if the problem has a place within it. */
  offset?: number;
  /** JSON pointers of other values without which there would be no problem. If one was set by an override, the override is named. */
  causes?: string[];
}

/** Checks plain data against a schema and fills in its defaults. */
export function schemaProblems(data: unknown, file: FileSchema = pipelineFile): ValueProblem[] {
  const { validate } = file;
  if (validate(data)) return [];
  // `if` only repeats what its `then` already reports.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if');
  return errors.filter((error) => !isConsequence(error, errors)).map((error) => translate(error, file));
}

/** Misspelt keys, and settings that are not indented, cause a second error that only confuses. */
function isConsequence(error: ErrorObject, errors: readonly ErrorObject[]): boolean {
  const here = (keyword: string) => errors.filter((other) => other.keyword === keyword && other.instancePath === error.instancePath);
  if (error.keyword === 'required') {
    const { missingProperty } = error.params as { missingProperty: string };
    return here('additionalProperties').some((other) => suggestion(other) === missingProperty);
  }
  if (isStage(error.instancePath) && error.keyword === 'additionalProperties') return here('maxProperties').length > 0;
  const parent = error.instancePath.slice(0, error.instancePath.lastIndexOf('/'));
  if (error.keyword === 'type' && error.data === null) {
    return isStage(parent) && errors.some((other) => other.keyword === 'maxProperties' && other.instancePath === parent);
  }
  return false;
}

const isStage = (pointer: string) => /^\/stages\/\d+$/.test(pointer);

function suggestion(error: ErrorObject): string | undefined {
  const { additionalProperty } = error.params as { additionalProperty: string };
  return nearest(additionalProperty, Object.keys((error.parentSchema as Schema).properties ?? {}));
}

function translate(error: ErrorObject, { schema: root, noun }: FileSchema): ValueProblem {
  const pointer = error.instancePath;
  const path = segmentsOf(pointer);
  const name = nameOf(path, noun);
  const schema = schemaAt(path, root);
  const params = error.params as Record<string, string>;
  if (error.keyword === 'uniqueItems' && schema.items?.enum === undefined) {
    return { pointer, part: 'value', message: `${name} has a value twice; expected each once. Remove one of the two.` };
  }
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = params['additionalProperty'];
      const known = Object.keys(schema.properties ?? {});
      const meant = suggestion(error);
      const remedy = meant === undefined ? 'Remove it.' : `Did you mean \`${meant}\`?`;
      return { pointer: pointer + pointerOf([key]), part: 'key', message: `unknown key \`${clip(key)}\` in ${name}; expected ${listing(known)}. ${remedy}` };
    }
    case 'required': {
      const key = params['missingProperty'];
      const missing = schemaAt([...path, key], root);
      const causes = ['method', 'pattern'].map((cause) => `${pointer}/${cause}`);
      return { pointer, part: 'key', causes, message: `\`${key}\` is missing in ${name}; expected ${expectation(missing)}. ${remedy(key, missing)}` };
    }
    case 'maxProperties':
      return { pointer, part: 'value', message: stageKeys(error.data as Record<string, unknown>) };
    case 'minProperties':
      return { pointer, part: 'value', message: `${name} is empty; expected ${listing(independentKeys(schema)) || 'a value'}. ${correction(path, schema, error.data)}` };
    case 'dependentRequired':
      return dependent(pointer, error.params as { property: string; missingProperty: string });
    case 'false schema':
      return { pointer, part: 'key', ...exclusion(pointer) };
    default:
      return { pointer, part: 'value', message: `${name} is ${show(error.data)}; expected ${expectation(schema)}. ${correction(path, schema, error.data)}` };
  }
}

/** The problem of a key that needs another key. */
function dependent(pointer: string, { property, missingProperty }: { property: string; missingProperty: string }): ValueProblem {
  return { pointer: `${pointer}/${property}`, part: 'key', message: `\`${property}\` without \`${missingProperty}\`; expected both or neither. Give the ${missingProperty} that has the ${property}.` };
}

/** Keys that have a meaning without another key beside them. */
function independentKeys({ properties = {}, dependentRequired = {} }: Schema): string[] {
  return Object.keys(properties).filter((key) => dependentRequired[key] === undefined && properties[key]?.type !== 'boolean');
}

/** The problem of a key that the schema forbids beside others. */
function exclusion(pointer: string): { causes: string[]; message: string } {
  const beside = (key: string) => pointer.replace(/[^/]*$/, key);
  const key = pointer.slice(pointer.lastIndexOf('/') + 1);
  const methods: Record<string, { settings: object }> = /\/allocation\/[^/]*$/.test(pointer) ? allocationMethods : initialMethods;
  const readers = Object.entries(methods).filter(([, method]) => Object.hasOwn(method.settings, key)).map(([name]) => `\`method: ${name}\``);
  if (readers.length > 0) {
    const those = readers.length === 1 ? 'that method' : 'those methods';
    return { causes: [beside('method')], message: `\`${key}\` without ${readers.join(' or ')}; expected it only with ${those}. Remove it, or set ${readers[0]}.` };
  }
  if (pointer.endsWith('/allocation')) {
    return { causes: [beside('method')], message: '`allocation` with `method: file`; expected none, because the file decides which weights are pruned. Remove it.' };
  }
  return { causes: [beside('name')], message: '`file` and `name` in one dataset; expected one of them. Remove the other.' };
}

function stageKeys(stage: Record<string, unknown>): string {
  const [first, second] = Object.keys(stage) as [string, string];
  const remedy =
    stage[first] === null ? `Indent \`${clip(second)}\` further than \`${clip(first)}\`, to which it belongs.` : `Put \`- \` in front of \`${clip(second)}\`.`;
  return `the stage has the keys ${Object.keys(stage).slice(0, 8).map((key) => `\`${clip(key)}\``).join(', ')}; expected one key, the name of the stage. ${remedy}`;
}

/** A value's name in messages: its key, or its position in a list. */
function nameOf(path: readonly string[], noun: string): string {
  const last = path.at(-1);
  if (last === undefined) return `the ${noun}`;
  if (!/^\d+$/.test(last)) return `\`${last}\``;
  return `item ${Number(last) + 1} of \`${path.at(-2) ?? ''}\``;
}

/** Describes in words what a schema expects. */
export function expectation(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return listing(schema.enum);
  const limits = limitsOf(schema);
  switch (schema.type) {
    case 'integer':
      return `a whole number${limits}`;
    case 'number':
      return `a number${limits}`;
    case 'string':
      return `${schema.patternErrorMessage ?? 'text'}${schema.maxLength === undefined ? '' : `, at most ${schema.maxLength} characters`}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list of ${schema.minItems ?? 0} to ${schema.maxItems ?? schema.items?.enum?.length ?? 'any number of'} items${schema.items?.enum === undefined ? '' : `, each once, out of ${listing(schema.items.enum)}`}`;
    case 'object':
      return schema.properties === undefined ? 'a mapping' : `a mapping with ${listing(Object.keys(schema.properties))}`;
    default:
      return schema.patternErrorMessage ?? 'a value';
  }
}

function limitsOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): string {
  const low = exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : minimum !== undefined ? ` of at least ${minimum}` : '';
  const high = exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : maximum !== undefined ? `at most ${maximum}` : '';
  return high === '' ? low : `${low}${low === '' ? ' ' : ' and '}${high}`;
}

/** How to write a missing key. */
function remedy(key: string, schema: Schema): string {
  if (key === 'sparsity') return 'Add for example `sparsity: 0.5`, or an N:M `pattern` from which it follows.';
  const sample = schema.const ?? schema.examples?.[0] ?? schema.enum?.[0];
  return sample === undefined ? `Add \`${key}:\`.` : `Add for example \`${key}: ${flow(sample)}\`.`;
}

/** How to fix a wrong value. */
function correction(path: readonly string[], schema: Schema, value: unknown): string {
  const last = path.at(-1) ?? '';
  const key = /^\d+$/.test(last) ? '' : `${last}: `;
  if (typeof value === 'string' && schema.enum !== undefined) {
    const meant = nearest(value, schema.enum);
    if (meant !== undefined) return `Did you mean \`${meant}\`?`;
  }
  if (schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return `Put the value in quotes: without them YAML reads a ${typeof value}.`;
  if (value === null && schema.type === 'object' && schema.required === undefined) return `Write \`${key}{}\` for the defaults.`;
  if (isStage(pointerOf(path)) && typeof value === 'string') return `Write \`- ${clip(value)}:\` with its settings indented below, or \`- ${clip(value)}: {}\`.`;
  const sample = schema.const ?? schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  return sample === undefined ? 'Give its settings below it, indented.' : `Write for example \`${key}${flow(sample)}\`.`;
}

/** `a`, `b` or `c`. */
export function listing(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`;
}

/** A sample value on one line of YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return `${value as string | number | boolean}`;
  return `{ ${Object.entries(value).map(([key, item]) => `${key}: ${flow(item)}`).join(', ')} }`;
}

/** A value as shown in a message. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `"${clip(value)}"`;
  // JavaScript prints other digits for such a number than the file has.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'a number of more than 15 digits' : `${value as number | boolean}`;
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

