/** `node unpack.ts FILE`: unpacks all members of a cabinet as the library does it, and prints how many bytes they have. */
import { createReadStream } from 'node:fs';
import { readCab } from '#shared/cabinet/index.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node unpack.ts FILE');
let bytes = 0;
const sink = {
  write(chunk: Uint8Array) {
    bytes += chunk.length;
  },
  end: () => undefined,
};
await readCab(createReadStream(file, { highWaterMark: 1 << 20 }), { onMember: () => sink });
console.log(bytes);
