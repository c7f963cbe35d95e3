import { InvalidRecordError } from './errors.js';

/** A record of a dataset, and where it is, for messages. */
export interface DatasetRecord {
  values: Record<string, unknown>;
  where: string;
}

/**
 * The objects of a JSONL text in order, empty lines left out.
 * @param expected what is expected in an object, for the message where a line is none
 * @throws InvalidRecordError
 */
export function* jsonLines(text: string, file: string, expected: string): Generator<DatasetRecord> {
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${i + 1}`;
    const value = parseLine(line, where);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InvalidRecordError({ what: 'this line is JSON but no object', where, expected });
    }
    yield { values: value as Record<string, unknown>, where };
  }
}

function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new InvalidRecordError({
      what: `this line is not JSON (${(error as Error).message})`, where,
      expected: 'one JSON object a line', remedy: 'Mend or remove the line',
    }, { cause: error });
  }
}
