import { stringify } from 'yaml';
import { writeFileDurably } from '../../files/artifacts/index.js';
import type { Lock } from '../../app/config/lock.js';

const heading = `# What determines this run's results, and digests of its outputs.
# \`temporal-pipeline run FILE --locked THIS\` gives the same bits or fails (docs/reproduce.md).
`;

/** Writes a lock. Locks with the same content give the same bytes. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  await writeFileDurably(file, [Buffer.from(`${heading}${stringify(lock, { lineWidth: 0, aliasDuplicateObjects: false })}`)]);
}
