/** `node unpack.ts FILE`: unpacks all members of a cabinet with the library, and prints how many bytes they have. */
import { closeSync, openSync, readSync } from 'node:fs';
import { CabReader } from '#shared/cabinet/index.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: node unpack.ts FILE');
let bytes = 0;
const sink = {
  write(chunk: Uint8Array) {
    bytes += chunk.length;
  },
  end: () => undefined,
};
const reader = new CabReader({ onMember: () => sink });
// One buffer for all reads, as programs in C have it.
const buffer = new Uint8Array(1 << 18);
const file = openSync(path, 'r');
for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
  reader.write(buffer.subarray(0, length));
}
closeSync(file);
reader.end();
console.log(bytes);
