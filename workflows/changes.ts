/** How plain data differ from other plain data: values that are replaced, by the keys on the way to them. */
export type Changes = [path: (string | number)[], value: unknown][];

type Container = Record<string | number, unknown>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** What has to be replaced in `base` to get `target`. Where the keys differ, the whole mapping or list is. */
export function changesBetween(base: unknown, target: unknown): Changes {
  if (isContainer(base) && isContainer(target) && Array.isArray(base) === Array.isArray(target)) {
    const keys = Object.keys(base);
    if (keys.length === Object.keys(target).length && keys.every((key) => Object.hasOwn(target, key))) {
      return keys.flatMap((key) => changesBetween(base[key], target[key]).map(([path, value]): Changes[number] => [[key, ...path], value]));
    }
  } else if (base === target) return [];
  return [[[], target]];
}

/** `base` with the changes made; `base` itself stays as it is. */
export function withChanges<T>(base: T, changes: Changes): T {
  const root: Container = { root: JSON.parse(JSON.stringify(base)) as unknown };
  for (const [path, value] of changes) {
    const way = ['root', ...path];
    const last = way.pop() ?? 'root';
    const holder = way.reduce<Container>((container, key) => container[key] as Container, root);
    holder[last] = value;
  }
  return root['root'] as T;
}
