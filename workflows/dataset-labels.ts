import type { DatasetSource } from '../app/config/pipeline.js';

/** The name of each dataset in results: its file name without folders, or its own name. A number is added to repeated names. */
export function datasetLabels(datasets: readonly DatasetSource[]): string[] {
  return numbered(datasets.map((dataset) => ('file' in dataset ? (dataset.file.split(/[\\/]/).pop() ?? dataset.file) : dataset.name)));
}

/** Makes names unique: the second `name` becomes `name#2`. */
export function numbered(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}
