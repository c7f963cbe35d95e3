import { PermanentFault } from '../../errors/fault.js';

/** A dataset's file does not exist or cannot be opened. */
export class DatasetFileError extends PermanentFault {
  constructor(file: string, cause: Error) {
    super({ what: `the file cannot be read (${cause.message})`, where: file, remedy: "Correct the dataset's file" }, { cause });
  }
}

/** A text file is not UTF-8. */
export class InvalidUtf8Error extends PermanentFault {}

/** A field is given for a plain text file. */
export class MeaninglessFieldError extends PermanentFault {
  constructor(file: string, field: string) {
    super({
      what: `field "${field}" is given, but the file is read as plain text, which has no fields`, where: file,
      expected: 'a name that ends in .json, .jsonl, .ndjson (each also with .gz) or .parquet', remedy: 'Rename the file, or remove `field`',
    });
  }
}

/** A text is longer than a JavaScript string can be. */
export class TextTooLargeError extends PermanentFault {}

/** A record of a JSON file is not JSON, is not an object, or has no text in the requested field. */
export class InvalidRecordError extends PermanentFault {}

/** A Parquet file is damaged, lacks the requested column, or uses an unsupported compression. */
export class ParquetError extends PermanentFault {}

/** A model folder has no `tokenizer.json`. */
export class MissingTokenizerError extends PermanentFault {}

/** `tokenizer.json` is damaged, or has a component that the tokenizers library does not know or cannot use. */
export class UnsupportedTokenizerError extends PermanentFault {}

/** The tokenizers library has no build for this machine, or its file is missing. */
export class TokenizerLibraryError extends PermanentFault {}

/** A text contains half of a surrogate pair, which is not a character. */
export class InvalidTextError extends PermanentFault {}

/** A text has fewer tokens than the windows need. */
export class TooFewTokensError extends PermanentFault {}
