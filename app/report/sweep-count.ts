import type { SweepTable } from '../../workflows/sweep-protocol.js';

/** Counts members by how they ended: `12 members: 10 done, 2 skipped.` */
export function countText({ rows }: Pick<SweepTable, 'rows'>): string {
  const statuses = [...new Set(rows.map(({ status }) => status))];
  const counts = statuses.map((status) => `${rows.filter((row) => row.status === status).length} ${status}`);
  return `${rows.length} ${rows.length === 1 ? 'member' : 'members'}: ${counts.join(', ')}.`;
}
