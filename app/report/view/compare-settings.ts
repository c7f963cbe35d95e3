/** Finds the settings in which runs differ, from their locks. */
import type { Lock } from '../../config/lock.js';

/** Settings of a run by path. A file is represented by its digest. */
export type RunSettings = ReadonlyMap<string, SettingValue>;

export interface SettingValue {
  /** For people. */
  text: string;
  /** Equal for equal settings. */
  key: string;
}

export interface ComparedSetting {
  path: string;
  /** By run; undefined if a run does not have the setting, or if its settings are not known. */
  values: (string | undefined)[];
}

/**
 * Returns all settings in a lock: those of the pipeline, and what computed the run. Two files with the same content are equal, wherever
 * they are.
 */
export function settingsOf({ pipeline, model, files, engine, sequencesPerBatch }: Pick<Lock, 'pipeline' | 'model' | 'files' | 'engine' | 'sequencesPerBatch'>): RunSettings {
  const settings = new Map<string, SettingValue>();
  const { name: _, version: __, stages = [], engine: ___, ...others } = (pipeline ?? {}) as Record<string, unknown> & { stages?: unknown[] };
  const add = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) add(path === '' ? key : `${path}.${key}`, inner);
      return;
    }
    const text = String(value);
    const digest = path === 'model.source' ? model.digest : files[text];
    settings.set(path, { text, key: digest ?? text });
  };
  add('', others);
  for (const [path, value] of namedStages(stages)) add(path, value);
  add('engine', engine);
  add('sequencesPerBatch', sequencesPerBatch);
  return settings;
}

/** Stages by their names, as in `--set`. The second stage of a name is `rebuild 2`. */
function namedStages(stages: readonly unknown[]): [string, unknown][] {
  const seen = new Map<string, number>();
  return stages.flatMap((stage) => Object.entries(stage as Record<string, unknown>).map(([name, settings]): [string, unknown] => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return [count === 1 ? name : `${name} ${count}`, settings];
  }));
}

/** Returns the settings that differ, in the order of the runs' settings. Runs with unknown settings do not count. */
export function differingSettings(runs: readonly (RunSettings | undefined)[]): ComparedSetting[] {
  const knownRuns = runs.filter((run) => run !== undefined);
  const paths = [...new Set(knownRuns.flatMap((run) => [...run.keys()]))];
  return paths
    .filter((path) => new Set(knownRuns.map((run) => run.get(path)?.key)).size > 1)
    .map((path) => ({ path, values: runs.map((run) => run?.get(path)?.text) }));
}
