import { extname } from 'node:path';

/** How a file of text is read. A type, not an interface, so that it can be part of a key as it is. */
export type TextFormat = {
  /** `text`: as it is. `json`: an object a line, or one array of objects. `parquet`: a row a document. */
  documents: 'text' | 'json' | 'parquet';
  /** Whether the file is compressed with gzip. */
  gzip: boolean;
};

const formats: Readonly<Record<string, TextFormat['documents']>> = { '.jsonl': 'json', '.ndjson': 'json', '.json': 'json', '.parquet': 'parquet' };

/** What the endings of a file's name say: `.jsonl`, `.ndjson`, `.json`, `.parquet`, each also with `.gz` behind it; anything else is text. */
export function textFormat(file: string): TextFormat {
  const gzip = /\.gz$/i.test(file);
  return { documents: formats[extname(gzip ? file.slice(0, -'.gz'.length) : file).toLowerCase()] ?? 'text', gzip };
}
