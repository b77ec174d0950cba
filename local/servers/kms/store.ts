/** Keys in one JSON file that only its owner may read; replaced as a whole, so that a killed server leaves it whole. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const keySchema = z.object({
  keyId: z.string(),
  arn: z.string(),
  description: z.string(),
  createdMs: z.number(),
  /** What the key was made for, once: a template that is run again finds its key by it. */
  tags: z.array(z.object({ TagKey: z.string(), TagValue: z.string() })),
  /** PKCS #8, PEM. */
  privateKey: z.string(),
});
export type StoredKey = z.infer<typeof keySchema>;

const fileSchema = z.object({
  version: z.literal(1),
  keys: z.array(keySchema),
  /** Key ids by the names of aliases. */
  aliases: z.record(z.string(), z.string()),
});
type Content = z.infer<typeof fileSchema>;

export class KeyStore {
  readonly #file: string;
  #content: Content;

  constructor(dataDir: string) {
    this.#file = join(dataDir, 'keys.json');
    this.#content = read(this.#file);
  }

  keys(): readonly StoredKey[] {
    return this.#content.keys;
  }

  aliases(): Readonly<Record<string, string>> {
    return this.#content.aliases;
  }

  /** By id, ARN, `alias/NAME` or the ARN of an alias. */
  find(id: string): StoredKey | undefined {
    const alias = /(?:^|:)(alias\/.+)$/.exec(id)?.[1];
    const keyId = alias === undefined ? id : this.#content.aliases[alias];
    return this.#content.keys.find((key) => key.keyId === keyId || key.arn === keyId);
  }

  add(key: StoredKey): void {
    this.#write({ ...this.#content, keys: [...this.#content.keys, key] });
  }

  putAlias(name: string, keyId: string): void {
    this.#write({ ...this.#content, aliases: { ...this.#content.aliases, [name]: keyId } });
  }

  #write(content: Content): void {
    const temporary = `${this.#file}.new`;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, JSON.stringify(content));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.#file);
    this.#content = content;
  }
}

function read(file: string): Content {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, keys: [], aliases: {} };
    throw error;
  }
  return z.parse(fileSchema, JSON.parse(text));
}
