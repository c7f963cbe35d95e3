import { createInterface } from 'node:readline/promises';
import { CommandLineError, Interrupted } from '../errors.js';
import { questions, type Answers } from './answers.js';

/** Answers given on the command line. */
export type Given = { [Name in keyof Answers]?: string | undefined };

/** Asks a person. */
export type Ask = (question: string) => Promise<string>;

/**
 * Returns all answers: those given, and those that a person adds. Asks again after an invalid answer.
 * @param ask undefined if there is nobody to ask
 * @throws CommandLineError if a given answer is not valid, or one is missing and there is nobody to ask
 */
export async function completeAnswers(given: Given, ask: Ask | undefined, { allowFloating, say }: { allowFloating: boolean; say: (line: string) => void }): Promise<Answers> {
  const all = questions({ allowFloating });
  const names = Object.keys(all) as (keyof Answers)[];
  const missing = names.filter((name) => given[name] === undefined);
  if (missing.length > 0 && ask === undefined) {
    throw new CommandLineError({ what: `${missing.join(', ')} not given, and there is no terminal to ask in`, remedy: `Add ${missing.map((name) => `--${name} ...`).join(' ')}` });
  }
  const answers: Partial<Record<keyof Answers, unknown>> = {};
  for (const name of names) {
    const { text, usual, read } = all[name];
    const word = given[name];
    answers[name] = word === undefined && ask !== undefined ? await untilRead(() => ask(`${text}${usual === undefined ? '' : ` [${usual}]`}: `), (answer) => read(answer || (usual ?? '')), say) : read(word ?? '');
  }
  return answers as Answers;
}

async function untilRead<T>(ask: () => Promise<string>, read: (answer: string) => T, say: (line: string) => void): Promise<T> {
  for (;;) {
    const answer = (await ask()).trim();
    try {
      return read(answer);
    } catch (error) {
      if (!(error instanceof CommandLineError)) throw error;
      say(error.message);
    }
  }
}

/** Runs something that asks questions in the terminal. @throws Interrupted if the person ends the input */
export async function inTerminal<T>(act: (ask: Ask) => Promise<T>): Promise<T> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<never>((_, reject) => lines.once('close', () => reject(new Interrupted())));
  ended.catch(() => undefined);
  try {
    return await act((question) => Promise.race([lines.question(question), ended]));
  } finally {
    lines.close();
  }
}
