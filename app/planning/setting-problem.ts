/** A setting that does not fit the model, as the parts of an error. */
export interface SettingProblem {
  where: string;
  what: string;
  expected: string;
  remedy: string;
}
