/** Entry of the WebAssembly module; `npm run build:wasm` compiles it into ../binary.ts. */
import { initPeriods } from './copy';
import { INPUT, MEMORY_END } from './memory';

export { inputChecksum } from './checksum';
export { mszipDecode, mszipLength, mszipReset } from './inflate';
export { faultOffset } from './fault';
export { faultType, lzxDecode, lzxReset } from './lzx';

/** Where the block to decode is to be copied to. */
export const inputAddress: i32 = <i32>INPUT;

memory.grow(<i32>((MEMORY_END + 0xffff) >> 16) - memory.size());
initPeriods();
