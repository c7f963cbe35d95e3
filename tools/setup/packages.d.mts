/** Whether `node_modules` holds what `package-lock.json` says, by the digest that the last complete install left there. */
export function packagesInstalled(root: string): boolean;
/** Leaves the digest behind. */
export function markInstalled(root: string): void;
