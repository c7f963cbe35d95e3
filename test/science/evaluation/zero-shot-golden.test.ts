import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTask, taskPath } from '../../../app/config/index.js';
import { loadTokenizer, questionForms, readQuestions } from '../../../files/datasets/index.js';
import { tf } from '../../../science/engine/index.js';
import { accuracy, likeliest, likeliestByCharacter } from '../../../science/evaluation/index.js';
import { disposeConstants } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenZeroShot } from '../../helpers/golden.js';
import { loadModel } from '../../helpers/load-model.js';
import { scoreQuestions } from '../../helpers/score-questions.js';

interface Golden {
  documents_per_task: number;
  max_length: number;
  tasks: Record<string, { acc: number; acc_norm: number | null; log_likelihoods: number[][]; first_request: [string, string] }>;
}


beforeAll(() => openTestEngine());
afterAll(disposeConstants);

describe.each(goldenZeroShot)('$name', ({ model: folder, documents, file }) => {
  const { documents_per_task, max_length, tasks } = JSON.parse(readFileSync(file, 'utf8')) as Golden;

  it.each(Object.keys(tasks))('%s: has the log-likelihoods and accuracies of lm-evaluation-harness 0.4.13', async (key) => {
    const expected = tasks[key];
    const { model, weights } = await loadModel(folder);
    expect(model.maxPositions).toBe(max_length);
    const task = loadTask(taskPath(key.replace('openbook_qa', 'openbookqa')));
    const questions = await readQuestions([documents(key)], questionForms(task), documents_per_task);
    // The golden file has only the first 400 characters.
    expect([questions[0].contexts[0].slice(0, 400), questions[0].continuations[0]]).toEqual(expected.first_request);

    const found = await scoreQuestions(questions, { model, weights, tokenizer: await loadTokenizer(folder) });
    expected.log_likelihoods.forEach((values, document) => {
      values.forEach((value, answer) => expect(Math.abs(found[document][answer] - value), `document ${document}, answer ${answer}`).toBeLessThan(0.01));
    });
    const scored = questions.map(({ gold, lengths = [] }, document) => ({ gold, lengths, logLikelihoods: found[document] }));
    expect(accuracy(scored.map((one) => likeliest(one) === one.gold)).value).toBeCloseTo(expected.acc, 10);
    expect(task.metrics.includes('acc_norm')).toBe(expected.acc_norm !== null);
    if (expected.acc_norm !== null) expect(accuracy(scored.map((one) => likeliestByCharacter(one) === one.gold)).value).toBeCloseTo(expected.acc_norm, 10);
    tf.dispose([...weights.values()]);
  });
});
