import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTask, taskPath, tasksFolder } from '../../../app/config/index.js';
import { schemaAt } from '../../../app/config/schema.js';
import { InvalidRecordError, questionForms, readQuestions } from '../../../files/datasets/index.js';
import { nestedParquet } from './parquet-files.js';

const folder = mkdtempSync(join(tmpdir(), 'questions-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(...documents: object[]): string {
  const file = join(folder, `${files++}.jsonl`);
  writeFileSync(file, documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
  return file;
}
const read = (task: string | undefined, ...documents: object[]) => readQuestions([fileOf(...documents)], questionForms(task === undefined ? undefined : loadTask(taskPath(task))));

describe('documents as they are on the hub, and the requests of lm-evaluation-harness 0.4.13', () => {
  it('boolq', async () => {
    expect(await read('boolq', { passage: 'Ice floats.', question: 'does ice float', idx: 0, label: 1 })).toEqual([
      { contexts: Array(2).fill('Ice floats.\nQuestion: does ice float?\nAnswer:'), continuations: [' no', ' yes'], lengths: [2, 3], gold: 1 },
    ]);
  });

  it.each([[0, { sentence1: 'A.', sentence2: 'B.', label: 0 }], [1, { premise: 'A.', hypothesis: 'B.', label: 'not_entailment' }]])('rte, answer %i', async (gold, document) => {
    expect(await read('rte', document)).toEqual([{ contexts: Array(2).fill('A.\nQuestion: B. True or False?\nAnswer:'), continuations: [' True', ' False'], lengths: [4, 5], gold }]);
  });

  it('hellaswag, without the markup of WikiHow', async () => {
    const document = { activity_label: 'Baking', ctx_a: '[header] How to bake [title] Mix it.  Then', ctx_b: 'the Dough', endings: [' rises [step] fast.', 'falls'], label: '0' };
    expect(await read('hellaswag', document)).toEqual([
      { contexts: Array(2).fill('Baking: How to bake. Mix it. Then The dough'), continuations: [' rises fast.', ' falls'], lengths: [11, 5], gold: 0 },
    ]);
  });

  it('winogrande: the rest of the sentence after each word', async () => {
    const document = { sentence: 'Ann met Eve because _ had time_off.', option1: 'Ann', option2: 'Eve', answer: '2' };
    expect(await read('winogrande', document)).toEqual([
      { contexts: ['Ann met Eve because Ann', 'Ann met Eve because Eve'], continuations: [' had time_off.', ' had time_off.'], gold: 1 },
    ]);
  });

  it.each(['arc_easy', 'arc_challenge'])('%s', async (task) => {
    const document = { id: 'x', question: 'Why?', choices: { text: ['so', 'no'], label: ['1', '2'] }, answerKey: '2' };
    expect(await read(task, document)).toEqual([{ contexts: Array(2).fill('Question: Why?\nAnswer:'), continuations: [' so', ' no'], lengths: [2, 2], gold: 1 }]);
  });

  it('openbookqa', async () => {
    const document = { question_stem: 'Ice is', choices: { text: ['cold', 'hot'], label: ['A', 'B'] }, answerKey: ' A' };
    expect(await read('openbookqa', document)).toEqual([{ contexts: ['Ice is', 'Ice is'], continuations: [' cold', ' hot'], lengths: [4, 3], gold: 0 }]);
  });

  it('piqa', async () => {
    expect(await read('piqa', { goal: 'Cool it', sol1: 'ice', sol2: 'fire', label: 0 })).toEqual([
      { contexts: Array(2).fill('Question: Cool it\nAnswer:'), continuations: [' ice', ' fire'], lengths: [3, 4], gold: 0 },
    ]);
  });
});

it('reads the same documents from Parquet files: structs of lists, 64-bit integers', async () => {
  const file = join(folder, 'arc.parquet');
  writeFileSync(file, Buffer.from(nestedParquet, 'base64'));
  const forms = questionForms(loadTask(taskPath('arc_easy')));
  expect((await readQuestions([file], forms)).map(({ contexts: [context], continuations, gold }) => ({ context, continuations, gold }))).toEqual([
    { context: 'Question: Why?\nAnswer:', continuations: [' so', ' no'], gold: 1 },
    { context: 'Question: How?\nAnswer:', continuations: [' x', ' y', ' z'], gold: 2 },
  ]);
  expect(await readQuestions([file], forms, 1)).toHaveLength(1);
  const byNumber = [{ context: '{question}', choices: { field: 'choices.text' }, gold: { field: 'label' } }];
  expect((await readQuestions([file], byNumber)).map(({ gold }) => gold)).toEqual([1, 0]);
});

describe("documents of a user's own", () => {
  it('have query and choices, with the length of an answer in characters, not code units', async () => {
    expect(await read(undefined, { query: '1 + 1 =', choices: ['2', '\u{1f600}\u{1f600}'], gold: 0, more: 1 })).toEqual([
      { contexts: ['1 + 1 =', '1 + 1 ='], continuations: [' 2', ' \u{1f600}\u{1f600}'], lengths: [1, 2], gold: 0 },
    ]);
  });

  it('may have context_options and continuation', async () => {
    expect(await read(undefined, { context_options: ['a', 'b'], continuation: 'c', gold: 1 })).toEqual([{ contexts: ['a', 'b'], continuations: [' c', ' c'], gold: 1 }]);
  });

  it('can be limited to the first ones', async () => {
    const file = fileOf(...[0, 1, 0].map((gold) => ({ query: 'q', choices: ['a', 'b'], gold })));
    expect((await readQuestions([file], questionForms(), 2)).map(({ gold }) => gold)).toEqual([0, 1]);
    expect(await readQuestions([file, file], questionForms(), 5)).toHaveLength(5);
  });

  it.each([
    [{ query: 'q', gold: 0 }, /\.jsonl:1: the document has the fields query, gold; expected the fields of one of these forms: query, choices, gold; or context_options, continuation, gold/],
    [{ query: 'q', choices: ['a'], gold: 1 }, /the field "gold" is "1"; expected a number from 0 to 0/],
    [{ query: 'q', choices: ['a'], gold: -1 }, /"-1"/],
    [{ query: 3, choices: ['a'], gold: 0 }, /the field "query" is a number; expected a text/],
    [{ query: 'q', choices: 'a', gold: 0 }, /the field "choices" is not a list of strings/],
  ])('are refused with the reason: %j', async (document, message) => {
    const failure = read(undefined, document);
    await expect(failure).rejects.toThrow(InvalidRecordError);
    await expect(failure).rejects.toThrow(message);
  });

  it('are refused with an unknown filter', async () => {
    const form = { context: '{query|upper}', choices: ['a'], gold: { field: 'gold' } };
    await expect(readQuestions([fileOf({ query: 'q', gold: 0 })], [form])).rejects.toThrow(/there is no filter "upper"; expected one of strip, capitalize/);
  });

  it('are refused if the file has none', async () => {
    await expect(read(undefined)).rejects.toThrow(/there are no documents/);
  });
});

describe('task files', () => {
  const names = readdirSync(tasksFolder()).map((name) => name.replace(/\.yaml$/, ''));

  it('match the names in the schema of pipelines', () => {
    expect(names.sort()).toEqual([...(schemaAt(['stages', '0', 'evaluation', 'zeroShot', '0', 'task']).enum ?? [])].sort());
  });

  it.each(names)('%s has the name of its file and a pinned commit', (name) => {
    const { task, follows, source } = loadTask(taskPath(name));
    expect(task).toBe(name);
    expect(follows).toMatchObject({ harness: '0.4.13', task: name });
    expect(source.revision).toMatch(/^[0-9a-f]{40}$/);
  });
});
