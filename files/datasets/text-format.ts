import { extname } from 'node:path';

/** How a text file is read. A type, not an interface, so that it is assignable to `Json` and can be part of a key. */
export type TextFormat = {
  /** `text`: as it is. `json`: one object per line, or an array of objects. `parquet`: one document per row. */
  documents: 'text' | 'json' | 'parquet';
  /** Whether the file is compressed with gzip. */
  gzip: boolean;
};

const formats: Readonly<Record<string, TextFormat['documents']>> = { '.jsonl': 'json', '.ndjson': 'json', '.json': 'json', '.parquet': 'parquet' };

/** Returns the format by the file name: `.jsonl`, `.ndjson`, `.json`, `.parquet`, each also followed by `.gz`. All others are text. */
export function textFormat(file: string): TextFormat {
  const gzip = /\.gz$/i.test(file);
  return { documents: formats[extname(gzip ? file.slice(0, -'.gz'.length) : file).toLowerCase()] ?? 'text', gzip };
}
