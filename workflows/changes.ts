/** How plain data differ from other plain data: values that are replaced, by the keys on the way to them. */
export type Changes = [path: (string | number)[], value: unknown][];

type Container = Record<string | number, unknown>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** What has to be replaced in `base` to get `target`. If the keys differ, the whole mapping or list is replaced. */
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
 * `base` with the changes made; `base` itself stays as it is.
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
