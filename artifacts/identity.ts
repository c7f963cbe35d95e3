import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from './durable-file.js';

const identityName = 'store-id';

/**
 * The identity of a store: workers that give the same one share it, wherever they have mounted it. It is made when it is first
 * asked for, and kept in the store.
 * @param root folder of the store
 */
export async function storeIdentity(root: string): Promise<string> {
  const file = join(root, identityName);
  const known = await readFile(file, 'utf8').catch(absent);
  if (known !== undefined) return known.trim();
  const draft = join(root, 'drafts', `${identityName}-${randomUUID()}`);
  await mkdir(join(root, 'drafts'), { recursive: true });
  await writeFileDurably(draft, [Buffer.from(`${randomUUID()}\n`)]);
  try {
    // Unlike a rename, a link keeps the identity of whoever was first.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
