/** The difference between two values of plain data: values to replace, each with the path of keys to it. */
export type Changes = [path: (string | number)[], value: unknown][];

type Container = Record<string | number, unknown>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Returns the values to replace in `base` to get `target`. If the keys differ, the whole mapping or list is replaced. */
export function changesBetween(base: unknown, target: unknown): Changes {
  if (isContainer(base) && isContainer(target) && Array.isArray(base) === Array.isArray(target)) {
    const keys = Object.keys(base);
    if (keys.length === Object.keys(target).length && keys.every((key) => Object.hasOwn(target, key))) {
      return keys.flatMap((key) => changesBetween(base[key], target[key]).map(([path, value]): Changes[number] => [[key, ...path], value]));
    }
  } else if (base === target) return [];
  return [[[], target]];
}

/**
 * Returns a copy of `base` with the changes made.
 * @throws TypeError if a change names a value that `base` does not have: changes come with requests, and no path may lead into a prototype
 */
export function withChanges<T>(base: T, changes: Changes): T {
  const root: Container = { root: JSON.parse(JSON.stringify(base)) as unknown };
  for (const [path, value] of changes) {
    const way = ['root', ...path];
    const last = way.pop() ?? 'root';
    const holder = way.reduce<unknown>(valueAt, root);
    valueAt(holder, last);
    (holder as Container)[last] = value;
  }
  return root['root'] as T;
}

function valueAt(holder: unknown, key: string | number): unknown {
  if (isContainer(holder) && Object.hasOwn(holder, key)) return holder[key];
  throw new TypeError(`a change names ${JSON.stringify(key).slice(0, 60)}, which is not there`);
}
