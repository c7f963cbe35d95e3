/** What a whole folder says about itself, with the sizes of its files. */
export type Manifest = Record<string, unknown> & { files: Record<string, number> };
/** The manifest of a whole folder; `undefined` where it is missing or a file of it is missing or of another size. */
export function readIfComplete(folder: string): Manifest | undefined;
/** Makes `folder` by `fill(partial)`, which returns what the manifest shall say beside the list of files. */
export function createComplete(folder: string, fill: (partial: string) => Promise<Record<string, unknown>>): Promise<Manifest | undefined>;
