import { writeFile } from 'node:fs/promises';

/** Writes a file with a safetensors header as given, true or not, and so many bytes of data. */
export async function writeRaw(path: string, header: string | object, data: number | Uint8Array = 0, announced?: bigint): Promise<string> {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(announced ?? BigInt(text.length));
  await writeFile(path, Buffer.concat([prefix, text, typeof data === 'number' ? Buffer.alloc(data) : data]));
  return path;
}

/** A tensor's entry in a header; F32 unless said otherwise. */
export function entry(shape: number[], begin: number, end: number, dtype = 'F32'): object {
  return { dtype, shape, data_offsets: [begin, end] };
}
