import { textFormat } from './text-format.js';
import type { DocumentForm, TaskDefinition, Texts } from './task.js';
import { InvalidRecordError } from './errors.js';
import { readParquetRows } from './parquet.js';
import { jsonRecords, type DatasetRecord } from './records.js';
import { fieldsOf, filled, TemplateValueError, valueAt } from './template.js';
import { readUtf8 } from './utf8-file.js';

/** A document of a zero-shot task: asks which continuation fits its context best. */
export interface Question {
  /** One for each answer; all the same if the answers are the continuations. */
  contexts: string[];
  continuations: string[];
  /** Length of each answer in characters (Unicode code points); absent if the answers are the contexts. */
  lengths?: number[];
  /** Index of the right answer. */
  gold: number;
}

/** Put between a context and its continuation. */
const delimiter = ' ';

/** Forms of the documents in a user's own file. */
const ownForms: DocumentForm[] = [
  { context: '{query}', choices: { field: 'choices' }, gold: { field: 'gold' } },
  { contexts: { field: 'context_options' }, continuation: '{continuation}', gold: { field: 'gold' } },
];

/** The forms of a task's documents. Part of artifact keys, because questions depend on them. */
export const questionForms = (task?: TaskDefinition): DocumentForm[] => task?.forms ?? ownForms;

/**
 * Reads the questions of a task, in the form of lm-evaluation-harness: a space between context and continuation.
 *
 * @param files JSON (one object per line, or an array; also `.gz`) or Parquet (`.parquet`), in order
 * @param limit maximum number of questions; the first ones are taken
 * @throws InvalidRecordError, DatasetFileError, ParquetError, InvalidUtf8Error, TextTooLargeError
 */
export async function readQuestions(files: readonly string[], forms: readonly DocumentForm[], limit = Infinity): Promise<Question[]> {
  const questions: Question[] = [];
  for (const file of files) {
    for (const record of await recordsOf(file, limit - questions.length)) questions.push(questionOf(record, forms));
  }
  if (questions.length === 0) throw new InvalidRecordError({ what: 'there are no documents', where: files.join(', '), expected: 'one JSON object per line, or one Parquet row, for each document' });
  return questions;
}

async function recordsOf(file: string, limit: number): Promise<DatasetRecord[]> {
  if (limit <= 0) return [];
  if (textFormat(file).documents === 'parquet') {
    const rows = await readParquetRows(file, limit === Infinity ? undefined : limit);
    return rows.map((values, row) => ({ values, where: `${file}, row ${row + 1}` }));
  }
  const records: DatasetRecord[] = [];
  for (const record of jsonRecords(await readUtf8(file), file, 'an object with the fields of a document')) {
    records.push(record);
    if (records.length >= limit) break;
  }
  return records;
}

function questionOf(record: DatasetRecord, forms: readonly DocumentForm[]): Question {
  const { where } = record;
  const values = withPrototypeless(record.values);
  const form = forms.find((one) => fieldsNeeded(one).every((path) => valueAt(values, path) !== undefined));
  if (form === undefined) {
    throw new InvalidRecordError({
      what: `the document has the fields ${Object.keys(values).join(', ')}`, where,
      expected: `the fields of one of these forms: ${forms.map((one) => fieldsNeeded(one).join(', ')).join('; or ')}`, remedy: 'Correct the file, or name the task that it belongs to',
    });
  }
  try {
    return withForm(values, form, where);
  } catch (error) {
    if (!(error instanceof TemplateValueError)) throw error;
    throw new InvalidRecordError({ what: error.message, where, expected: error.expected }, { cause: error });
  }
}

function withForm(record: Record<string, unknown>, form: DocumentForm, where: string): Question {
  const values = form.split === undefined ? record : { ...record, ...split(record, form.split) };
  const clean = form.clean === 'wikihow' ? withoutWikiHowMarks : (text: string): string => text;
  const texts = (of: Texts): string[] => (Array.isArray(of) ? of.map((template) => filled(template, values)) : textList(values, of.field)).map(clean);
  if (form.contexts !== undefined) {
    const contexts = texts(form.contexts);
    const continuation = `${delimiter}${filled(form.continuation ?? '', values)}`;
    return { contexts, continuations: contexts.map(() => continuation), gold: goldOf(values, form, contexts.length, where) };
  }
  const choices = texts(form.choices ?? []);
  const context = clean(filled(form.context ?? '', values));
  return {
    contexts: choices.map(() => context),
    continuations: choices.map((choice) => `${delimiter}${choice}`),
    lengths: choices.map((choice) => Array.from(choice).length),
    gold: goldOf(values, form, choices.length, where),
  };
}

function textList(values: Record<string, unknown>, field: string): string[] {
  const list = valueAt(values, field);
  if (!Array.isArray(list) || list.length === 0 || !list.every((one) => typeof one === 'string')) {
    throw new TemplateValueError(`the field "${field}" is not a list of strings`, 'a list of strings');
  }
  return list;
}

function goldOf(values: Record<string, unknown>, { gold }: DocumentForm, answers: number, where: string): number {
  const value = String(valueAt(values, gold.field)).trim();
  const list = gold.values ?? (gold.in === undefined ? undefined : textList(values, gold.in));
  const index = list === undefined ? (/^\d+$/.test(value) ? Number(value) : -1) : list.indexOf(value);
  if (index >= 0 && index < answers) return index;
  const expected = list === undefined ? `a number from 0 to ${answers - 1}that says which answer is right` : `one of ${list.join(', ')}`;
  throw new InvalidRecordError({ what: `the field "${gold.field}" is ${JSON.stringify(value)}`, where, expected, remedy: 'Remove documents without a known right answer' });
}

function split(values: Record<string, unknown>, { field, at }: { field: string; at: string }): { before: string; after: string } {
  const text = filled(`{${field}}`, values);
  const place = text.indexOf(at);
  if (place < 0) throw new TemplateValueError(`there is no ${JSON.stringify(at)} in the field "${field}"`, 'a text that contains it');
  return { before: text.slice(0, place), after: text.slice(place + at.length) };
}

/** Cleans texts as lm-evaluation-harness does for HellaSwag, half of which is from WikiHow. */
function withoutWikiHowMarks(text: string): string {
  return text.trim().replaceAll(' [title]', '. ').replace(/\[.*?\]/g, '').replaceAll('  ', ' ');
}

/** The fields that a document must have for a form. */
function fieldsNeeded({ split: cut, context, choices, contexts, continuation, gold }: DocumentForm): string[] {
  const ofTexts = (texts: Texts | undefined): string[] => (texts === undefined ? [] : Array.isArray(texts) ? texts.flatMap(fieldsOf) : [texts.field]);
  const fields = [...(cut ? [cut.field] : []), ...fieldsOf(context ?? ''), ...ofTexts(choices), ...ofTexts(contexts), ...fieldsOf(continuation ?? ''), gold.field, ...(gold.in === undefined ? [] : [gold.in])];
  return [...new Set(fields.filter((field) => cut === undefined || (field !== 'before' && field !== 'after')))];
}

/** Without a prototype, because fields are looked up by names from files. */
const withPrototypeless = (values: Record<string, unknown>): Record<string, unknown> => Object.assign(Object.create(null) as Record<string, unknown>, values);
