import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether this system shows its sockets as files. */

const listening = '0A';

/** Ids of the processes whose command line contains the text, and of their child processes. */
export function processesOf(text: string): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  const found = new Set(all.filter((pid) => read(`/proc/${pid}/cmdline`).includes(text)));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const pid of all) if (found.has(parentOf(pid))) found.add(pid);
  }
  return [...found];
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
/** `NAME=value` lines. */
export const environmentOf = (pid: number): string => read(`/proc/${pid}/environ`).replaceAll('\0', '\n');

/** The addresses on which a process listens: `127.0.0.1:7233`, or the 32 hexadecimal digits of an IPv6 address and its port. */
export function listeningAddresses(pid: number): string[] {
  const own = new Set(links(`/proc/${pid}/fd`).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const rows = ['tcp', 'tcp6'].flatMap((family) => read(`/proc/${pid}/net/${family}`).split('\n').slice(1)).map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[3] === listening && own.has(row[9] ?? '')).map((row) => plainAddress(row[1] ?? ''));
}

function plainAddress(hex: string): string {
  const [address = '', port = ''] = hex.split(':');
  const bytes = Buffer.from(address, 'hex').reverse();
  return `${bytes.length === 4 ? [...bytes].join('.') : address}:${parseInt(port, 16)}`;
}

function links(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

/** Reads a file of /proc; empty if the process has ended in the meantime. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
