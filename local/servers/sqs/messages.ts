/** What a message is made of. */
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';

export const messageAttributesSchema = z.record(
  z.string(),
  z.object({
    DataType: z.string(),
    StringValue: z.optional(z.string()),
    /** Base64. */
    BinaryValue: z.optional(z.string()),
  }),
);
export type MessageAttributes = z.infer<typeof messageAttributesSchema>;

export const md5Hex = (data: string | Buffer) => createHash('md5').update(data).digest('hex');

/** "Any character that is not in the XML 1.0 set is refused." Source: SendMessage, SQS API Reference. */
export function hasAllowedCharacters(body: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(body) && body.isWellFormed();
}

/** Bytes that count against the limit: the body and the attributes' names, types and values. */
export function messageBytes(body: string, attributes: MessageAttributes): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value.DataType) + bytesOf(value).length;
  }
  return bytes;
}

function bytesOf(attribute: MessageAttributes[string]): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue ?? '', 'utf8')
    : Buffer.from(attribute.BinaryValue, 'base64');
}

/**
 * Source: "Calculating the MD5 message digest for message attributes" in the SQS Developer Guide: sorted by name, each
 * of name, type and value with its length in four bytes, and a byte for the kind of the value.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const pieces: Buffer[] = [];
  const add = (data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    pieces.push(length, data);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (!attribute) continue;
    add(Buffer.from(name, 'utf8'));
    add(Buffer.from(attribute.DataType, 'utf8'));
    pieces.push(Buffer.of(attribute.BinaryValue === undefined ? 1 : 2));
    add(bytesOf(attribute));
  }
  return md5Hex(Buffer.concat(pieces));
}

/** Names the message and this one receiving of it. */
export interface Receipt {
  readonly queue: string;
  readonly row: number;
  readonly token: string;
}

export function writeReceipt({ queue, row, token }: Receipt): string {
  return Buffer.from(JSON.stringify([queue, row, token])).toString('base64url');
}

/** Undefined for something that is not a receipt handle. */
export function readReceipt(handle: string): Receipt | undefined {
  try {
    const [queue, row, token] = z.parse(
      z.tuple([z.string(), z.number(), z.string()]),
      JSON.parse(Buffer.from(handle, 'base64url').toString('utf8')),
    );
    return { queue, row, token };
  } catch {
    // Whatever it is, this server did not give it.
    return undefined;
  }
}
