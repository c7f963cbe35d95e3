/** The DER values (X.690) that a certificate needs. */

/** A value with its tag and length. */
export function bytes(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

export const sequence = (...parts: Buffer[]): Buffer => bytes(0x30, Buffer.concat(parts));
export const integer = (bigEndian: Buffer): Buffer => bytes(0x02, bigEndian);
export const octets = (content: Buffer): Buffer => bytes(0x04, content);
export const utf8 = (text: string): Buffer => bytes(0x0c, Buffer.from(text));

/** A bit string of whole bytes. */
export const bits = (content: Buffer): Buffer => bytes(0x03, Buffer.concat([Buffer.of(0), content]));

/** A context-specific tagged element. */
export const context = (number: number, content: Buffer): Buffer => bytes(0xa0 + number, content);

/** A time before 2050: `YYMMDDhhmmssZ`. */
export const time = (date: Date): Buffer => bytes(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

/** A distinguished name with one attribute. */
export const names = (attribute: string, value: Buffer): Buffer => sequence(bytes(0x31, sequence(objectId(attribute), value)));

/** An object identifier, `1.2.840...`: the first two numbers share a byte, the others are in base 128. */
export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  return bytes(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(number: number): number[] {
  const groups = [number & 0x7f];
  for (let rest = number >> 7; rest > 0; rest >>= 7) groups.unshift(0x80 | (rest & 0x7f));
  return groups;
}
