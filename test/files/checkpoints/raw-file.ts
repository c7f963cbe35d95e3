import { writeFile } from 'node:fs/promises';

/** Writes a file with the given safetensors header, valid or not, and data or a number of data bytes. */
export async function writeRaw(path: string, header: string | object, data: number | Uint8Array = 0, announced?: bigint): Promise<string> {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(announced ?? BigInt(text.length));
  await writeFile(path, Buffer.concat([prefix, text, typeof data === 'number' ? Buffer.alloc(data) : data]));
  return path;
}

/** A tensor's entry in a header, by default F32. */
export function entry(shape: number[], begin: number, end: number, dtype = 'F32'): object {
  return { dtype, shape, data_offsets: [begin, end] };
}
