import type { DatasetSource } from '../config/pipeline.js';

/** What results call each dataset: the file's name without folders, or its name; a number is added where two would be the same. */
export function datasetLabels(datasets: readonly DatasetSource[]): string[] {
  const seen = new Map<string, number>();
  return datasets.map((dataset) => {
    const label = 'file' in dataset ? (dataset.file.split(/[\\/]/).pop() ?? dataset.file) : dataset.name;
    const count = (seen.get(label) ?? 0) + 1;
    seen.set(label, count);
    return count === 1 ? label : `${label}#${count}`;
  });
}
