/** Why this machine cannot compile C++17; `undefined` where it can. */
export function compilerProblem(): string | undefined;
