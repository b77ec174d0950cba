/**
 * MSZIP ([MS-MCI]): each CFDATA block is the signature `CK` and a deflate stream of its own (RFC 1951), whose matches may
 * reach back into the 32 KiB that the folder's blocks before it unpacked to.
 */
import { copyMatch } from './copy';
import {
  buildCodeLengths,
  buildDistances,
  buildLiterals,
  COPY,
  DISTANCE_BITS,
  END,
  LITERAL_BITS,
  LITERALS,
  MAX_CODE,
  SECOND,
} from './deflate-tables';
import { setFaultOffset } from './fault';
import * as input from './low-bits';
import {
  BAD_CODE_LENGTHS,
  BAD_DISTANCE_CODE,
  BAD_DISTANCES,
  BAD_LENGTH_REPEAT,
  BAD_LITERAL_CODE,
  BAD_LITERALS,
  BAD_STORED_LENGTHS,
  BAD_TYPE,
  DEFLATE_LENGTHS,
  DISTANCE_TABLE,
  INPUT,
  LITERAL_TABLE,
  MISSING_END,
  NO_SIGNATURE,
  PRE_LENGTHS,
  PRE_TABLE,
  TOO_FAR_BACK,
  TOO_LONG,
  TOO_MANY_SYMBOLS,
  TOO_SHORT,
  WINDOW,
  WINDOW_SPACE,
} from './memory';

const LITERAL_MASK: u64 = (1 << LITERAL_BITS) - 1;
const LITERAL_REST: u64 = (1 << (MAX_CODE - LITERAL_BITS)) - 1;
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1;
const DISTANCE_REST: u64 = (1 << (MAX_CODE - DISTANCE_BITS)) - 1;
const HISTORY: i32 = 32768;
/** Internal: the input ended; then the length of the output decides. */
const EXHAUSTED: i32 = -1;

let position: i32 = 0;
let fixedTables: bool = false;

/** Bytes that the last block unpacked to, when that was too few. */
export let mszipLength: i32 = 0;

/** Forgets what was decoded; the next block is the first of a folder. */
export function mszipReset(): void {
  position = 0;
  fixedTables = false;
}

/** Decodes the block in INPUT. Returns the address of the output, or a status below 256. */
export function mszipDecode(inputLength: i32, outputLength: i32): i32 {
  setFaultOffset(0);
  if (inputLength < 2 || load<u16>(INPUT) != 0x4b43) return NO_SIGNATURE;
  if (position + outputLength > <i32>WINDOW_SPACE) {
    memory.copy(WINDOW, WINDOW + position - HISTORY, HISTORY);
    position = HISTORY;
  }
  input.openBits(2, inputLength);
  const start = position;
  const end = start + outputLength;
  let isLast = false;
  let status = 0;
  while (!isLast && status == 0) {
    isLast = input.take(1) == 1;
    const type = input.take(2);
    if (input.isExhausted()) status = EXHAUSTED;
    else if (type == 0) status = copyStored(end);
    else if (type == 3) status = BAD_TYPE;
    else {
      status = type == 1 ? makeFixedTables() : readTables();
      if (status == 0) status = inflateBlock(end);
    }
  }
  setFaultOffset(min(<i32>(input.byteAddress() - INPUT), inputLength));
  if (status > 0) return status;
  mszipLength = position - start;
  if (position < end) return TOO_SHORT;
  return <i32>(WINDOW + start);
}

function copyStored(end: i32): i32 {
  const at = input.byteAddress();
  if (at + 4 > input.inputEnd) return EXHAUSTED;
  const length = <i32>load<u16>(at);
  if (length != (<i32>load<u16>(at, 2) ^ 0xffff)) return BAD_STORED_LENGTHS;
  const count = min(length, <i32>(input.inputEnd - at - 4));
  if (position + count > end) return TOO_LONG;
  memory.copy(WINDOW + position, at + 4, count);
  position += count;
  input.setBits(0, 0, at + 4 + count);
  return count < length ? EXHAUSTED : 0;
}

function makeFixedTables(): i32 {
  if (fixedTables) return 0;
  memory.fill(DEFLATE_LENGTHS, 8, 144);
  memory.fill(DEFLATE_LENGTHS + 144, 9, 112);
  memory.fill(DEFLATE_LENGTHS + 256, 7, 24);
  memory.fill(DEFLATE_LENGTHS + 280, 8, 8);
  memory.fill(DEFLATE_LENGTHS + 288, 5, 32);
  buildLiterals(DEFLATE_LENGTHS, 288);
  buildDistances(DEFLATE_LENGTHS + 288, 32);
  fixedTables = true;
  return 0;
}

/** In which order the lengths of the code lengths' codes stand (RFC 1951, 3.2.7). */
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

function readTables(): i32 {
  fixedTables = false;
  const literals = 257 + input.take(5);
  const distances = 1 + input.take(5);
  const count = 4 + input.take(4);
  if (input.isExhausted()) return EXHAUSTED;
  if (literals > 286 || distances > 30) return TOO_MANY_SYMBOLS;
  memory.fill(PRE_LENGTHS, 0, 19);
  for (let i = 0; i < count; i++) store<u8>(PRE_LENGTHS + <usize>load<u8>(ORDER + i), <u8>input.take(3));
  if (input.isExhausted()) return EXHAUSTED;
  if (!buildCodeLengths(PRE_LENGTHS)) return BAD_CODE_LENGTHS;
  const status = readLengths(literals + distances);
  if (status != 0) return status;
  if (load<u8>(DEFLATE_LENGTHS + 256) == 0) return MISSING_END;
  if (!buildLiterals(DEFLATE_LENGTHS, literals)) return BAD_LITERALS;
  return buildDistances(DEFLATE_LENGTHS + literals, distances) ? 0 : BAD_DISTANCES;
}

function readLengths(total: i32): i32 {
  for (let i = 0; i < total; ) {
    input.refill();
    const entry = <i32>load<u16>(PRE_TABLE + (<usize>(input.bits & 127) << 1));
    input.skipBits(<u64>(entry & 63));
    const symbol = entry >>> 6;
    let run = 1;
    let length = <u8>symbol;
    if (symbol > 15) {
      length = 0;
      if (symbol == 16) {
        if (i == 0) return input.isExhausted() ? EXHAUSTED : BAD_LENGTH_REPEAT;
        length = load<u8>(DEFLATE_LENGTHS + i - 1);
        run = 3 + input.take(2);
      } else {
        run = symbol == 17 ? 3 + input.take(3) : 11 + input.take(7);
      }
    }
    if (input.isExhausted()) return EXHAUSTED;
    if (i + run > total) return BAD_LENGTH_REPEAT;
    memory.fill(DEFLATE_LENGTHS + i, length, run);
    i += run;
  }
  return 0;
}

/**
 * Decodes a block's literals and matches. While input and room are plenty nothing but distances needs a check, and one
 * refill serves a whole match or several literals; near the end each symbol is looked at before it counts.
 */
function inflateBlock(stop: i32): i32 {
  let b = input.bits;
  let l = input.left;
  let at = input.next;
  const inputEnd = input.inputEnd;
  let out = WINDOW + position;
  const end = WINDOW + stop;
  const inFast = inputEnd - 16;
  const outFast = end - 300;
  let status = 0;
  while (true) {
    b |= load<u64>(at) << l;
    at += <usize>((63 - l) >> 3);
    l |= 56;
    const isFast = at <= inFast && <isize>out < <isize>outFast;
    let entry = load<u64>(LITERAL_TABLE + (<usize>(b & LITERAL_MASK) << 3));
    if (isFast && (entry & LITERALS) != 0) {
      store<u32>(out, <u32>(entry >> 32));
      out += <usize>((entry >> 8) & 7);
      b >>= entry;
      l -= entry & 63;
      entry = load<u64>(LITERAL_TABLE + (<usize>(b & LITERAL_MASK) << 3));
      if ((entry & LITERALS) != 0) {
        store<u32>(out, <u32>(entry >> 32));
        out += <usize>((entry >> 8) & 7);
        b >>= entry;
        l -= entry & 63;
        entry = load<u64>(LITERAL_TABLE + (<usize>(b & LITERAL_MASK) << 3));
        if ((entry & LITERALS) != 0) {
          store<u32>(out, <u32>(entry >> 32));
          out += <usize>((entry >> 8) & 7);
          b >>= entry;
          l -= entry & 63;
          continue;
        }
      }
      b |= load<u64>(at) << l;
      at += <usize>((63 - l) >> 3);
      l |= 56;
    }
    if ((entry & SECOND) != 0) {
      entry = load<u64>(<usize>(entry >> 32) + (<usize>((b >> <u64>LITERAL_BITS) & LITERAL_REST) << 3));
    }
    if (!isFast) {
      if ((entry & LITERALS) != 0) {
        // An entry may hold more literals than belong to the block.
        const one = (entry >> 16) & 0xff;
        b >>= one;
        l -= one;
        if (<i32>at - <i32>(l >> 3) > <i32>inputEnd) {
          status = EXHAUSTED;
          break;
        }
        if (out == end) {
          status = TOO_LONG;
          break;
        }
        store<u8>(out, <u8>(entry >> 32));
        out++;
        continue;
      }
    } else if ((entry & LITERALS) != 0) {
      store<u8>(out, <u8>(entry >> 32));
      out++;
      b >>= entry;
      l -= entry & 63;
      continue;
    }
    if ((entry & (COPY | END)) == 0) {
      status = <i32>at - <i32>(l >> 3) > <i32>inputEnd ? EXHAUSTED : BAD_LITERAL_CODE;
      break;
    }
    b >>= entry;
    l -= entry & 63;
    if ((entry & END) != 0) {
      if (<i32>at - <i32>(l >> 3) > <i32>inputEnd) status = EXHAUSTED;
      break;
    }
    // A length and a distance with their extra bits take at most 48 bits.
    let extra = (entry >> 24) & 31;
    const length = <usize>(entry >> 32) + <usize>(b & ((<u64>1 << extra) - 1));
    b >>= extra;
    l -= extra;
    entry = load<u64>(DISTANCE_TABLE + (<usize>(b & DISTANCE_MASK) << 3));
    if ((entry & SECOND) != 0) {
      entry = load<u64>(<usize>(entry >> 32) + (<usize>((b >> <u64>DISTANCE_BITS) & DISTANCE_REST) << 3));
    }
    b >>= entry;
    l -= entry & 63;
    extra = (entry >> 24) & 31;
    const distance = <usize>(entry >> 32) + <usize>(b & ((<u64>1 << extra) - 1));
    b >>= extra;
    l -= extra;
    if (!isFast && <i32>at - <i32>(l >> 3) > <i32>inputEnd) {
      status = EXHAUSTED;
      break;
    }
    if (entry == 0) {
      status = BAD_DISTANCE_CODE;
      break;
    }
    if (distance > out - WINDOW) {
      status = TOO_FAR_BACK;
      break;
    }
    if (!isFast && length > end - out) {
      status = TOO_LONG;
      break;
    }
    copyMatch(out, out - distance, distance, length);
    out += length;
  }
  input.setBits(b, l, at);
  position = <i32>(out - WINDOW);
  return status;
}
