import type { DatasetSource } from '../app/config/pipeline.js';

/** What results call each dataset: the file's name without folders, or its name; a number is added where two would be the same. */
export function datasetLabels(datasets: readonly DatasetSource[]): string[] {
  return numbered(datasets.map((dataset) => ('file' in dataset ? (dataset.file.split(/[\\/]/).pop() ?? dataset.file) : dataset.name)));
}

/** Names that differ: `name#2` for the second of one name. */
export function numbered(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}
