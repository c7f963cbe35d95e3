import { InvalidRecordError } from './errors.js';

/** A record of a dataset, and its place for messages. */
export interface DatasetRecord {
  values: Record<string, unknown>;
  where: string;
}

/**
 * Reads the objects of a JSON text in order: one per line, ignoring empty lines, or the items of an array.
 * @param expected description of an object, for the message if an item is not an object
 * @throws InvalidRecordError
 */
export function jsonRecords(text: string, file: string, expected: string): Iterable<DatasetRecord> {
  return text.trimStart().startsWith('[') ? arrayItems(text, file, expected) : jsonLines(text, file, expected);
}

function* arrayItems(text: string, file: string, expected: string): Generator<DatasetRecord> {
  let items: unknown[];
  try {
    items = JSON.parse(text) as unknown[];
  } catch (error) {
    throw new InvalidRecordError({
      what: `the file starts like a JSON array, but is not valid JSON (${(error as Error).message})`, where: file,
      expected: 'an array of objects, or one JSON object per line', remedy: 'Correct the file',
    }, { cause: error });
  }
  for (const [i, item] of items.entries()) yield asRecord(item, `${file}, item ${i + 1}`, 'this item', expected);
}

function* jsonLines(text: string, file: string, expected: string): Generator<DatasetRecord> {
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${i + 1}`;
    yield asRecord(parseLine(line, where, text), where, 'this line', expected);
  }
}

function asRecord(value: unknown, where: string, noun: string, expected: string): DatasetRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidRecordError({ what: `${noun} is JSON, but not an object: ${kindOf(value)}`, where, expected });
  }
  return { values: value as Record<string, unknown>, where };
}

function parseLine(line: string, where: string, text: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new InvalidRecordError({
      what: isOneValue(text) ? 'the file is a single JSON object that spans several lines' : `this line is not JSON (${(error as Error).message})`, where,
      expected: 'one JSON object per line, or an array of objects', remedy: 'Correct the file',
    }, { cause: error });
  }
}

function isOneValue(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The kind of a JSON value, in words. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
