import { existsSync } from 'node:fs';
import { looksLikeRepository } from '../../../files/hub/model-source.js';
import { CommandLineError } from '../errors.js';

/** The model to prune. */
export type Model = { folder: string } | { repository: string; revision?: string };

/** The calibration text: a file, or a dataset of the hub. */
export type Text = { file: string } | { name: NamedText };

const namedTexts = ['c4', 'wikitext2', 'ptb'] as const;
export type NamedText = (typeof namedTexts)[number];

/** How many weights to prune. */
export type Goal = { sparsity: number } | { pattern: string };

export const machines = ['laptop', 'workstation', 'gpu'] as const;
/** The effort that a run may take. */
export type Machine = (typeof machines)[number];

/** The answers to the questions of `init`. */
export interface Answers {
  model: Model;
  text: Text;
  goal: Goal;
  machine: Machine;
}

/** A question: its text, and how to read an answer. */
export interface Question<Name extends keyof Answers> {
  text: string;
  /** Used if the answer is empty. */
  usual?: string;
  /** @throws CommandLineError if the answer is not valid */
  read: (answer: string) => Answers[Name];
}

const wrong = (where: string, what: string, expected: string): CommandLineError => new CommandLineError({ where, what, expected });

/** The four questions. With `allowFloating`, a repository may be given without a revision. */
export function questions({ allowFloating }: { allowFloating: boolean }): { [Name in keyof Answers]: Question<Name> } {
  return {
    model: { text: 'Which model? A folder, or organisation/name@commit of a Hugging Face hub', read: (answer) => readModel(answer, allowFloating) },
    text: { text: `Which calibration text? A file, or ${namedTexts.join(', ')}`, usual: 'c4', read: readText },
    goal: { text: 'How many weights should be pruned? A share such as 50 %, or a pattern such as 2:4', usual: '50 %', read: readGoal },
    machine: { text: `Which machine? ${machines.join(', ')}`, usual: 'workstation', read: readMachine },
  };
}

function readModel(answer: string, allowFloating: boolean): Model {
  if (existsSync(answer)) return { folder: answer };
  const [repository, revision] = answer.split('@');
  const expected = 'an existing folder, or organisation/name@commit';
  if (!looksLikeRepository(repository)) throw wrong('model', `there is no folder ${answer}`, expected);
  if (!revision && !allowFloating) throw wrong('model', `${answer} names no commit, so the model could change between runs`, `${answer}@commit (https://huggingface.co/${answer}/commits/main lists them), or --allow-floating`);
  return { repository, ...(revision && { revision }) };
}

function readText(answer: string): Text {
  const name = namedTexts.find((known) => known === answer);
  if (name !== undefined) return { name };
  if (!existsSync(answer)) throw wrong('text', `there is no file ${answer}`, `an existing file, or ${namedTexts.join(', ')}`);
  return { file: answer };
}

function readGoal(answer: string): Goal {
  const [, kept, of] = /^(\d{1,3}):(\d{1,3})$/.exec(answer) ?? [];
  if (kept !== undefined && Number(kept) > 0 && Number(kept) < Number(of)) return { pattern: answer };
  const [, number, percent] = /^(\d*\.?\d+)\s*(%?)$/.exec(answer) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (!(share > 0 && share < 1)) throw wrong('goal', `${JSON.stringify(answer)} is neither a share of weights nor a pattern`, 'for example 50 %, 0.6, 2:4 or 4:8');
  return { sparsity: Number(share.toPrecision(6)) };
}

function readMachine(answer: string): Machine {
  const found = machines.find((machine) => machine === answer);
  if (found === undefined) throw wrong('machine', `${JSON.stringify(answer)} is not a known kind of machine`, machines.join(', '));
  return found;
}
