/**
 * Where things stand in the memory of an instance. Nothing is allocated: every table has its place for good.
 * The window comes last, and what is never reached of it costs no memory.
 */

/**
 * Statuses of `lzxDecode` and `mszipDecode`; a larger result is the address of the output. `lzx/decoder.ts` and `mszip.ts`
 * have the words.
 */
export const OVERRUN: i32 = 1;
export const BEFORE_START: i32 = 2;
export const BEYOND_END: i32 = 3;
export const EMPTY_LENGTH_TREE: i32 = 4;
export const BAD_BLOCK_TYPE: i32 = 5;
export const RUN_OF_RUN: i32 = 6;
export const RUN_BEYOND_TREE: i32 = 7;
export const AFTER_SHORT_FRAME: i32 = 8;
/** Trees: base of the tree plus shape, which is 1 oversubscribed, 2 incomplete, 3 empty. */
export const PRE_TREE: i32 = 16;
export const ALIGNED_TREE: i32 = 20;
export const MAIN_TREE: i32 = 24;
export const LENGTH_TREE: i32 = 28;
/** Of MSZIP. */
export const NO_SIGNATURE: i32 = 40;
export const TOO_SHORT: i32 = 41;
export const TOO_LONG: i32 = 42;
export const BAD_TYPE: i32 = 43;
export const BAD_STORED_LENGTHS: i32 = 44;
export const TOO_MANY_SYMBOLS: i32 = 45;
export const BAD_CODE_LENGTHS: i32 = 46;
export const BAD_LENGTH_REPEAT: i32 = 47;
export const MISSING_END: i32 = 48;
export const BAD_LITERALS: i32 = 49;
export const BAD_DISTANCES: i32 = 50;
export const BAD_LITERAL_CODE: i32 = 51;
export const BAD_DISTANCE_CODE: i32 = 52;
export const TOO_FAR_BACK: i32 = 53;

/** Code lengths, one byte for each symbol. */
export const MAIN_LENGTHS: usize = 0x1000;
export const LENGTH_LENGTHS: usize = 0x1400;
export const ALIGNED_LENGTHS: usize = 0x1600;
export const PRE_LENGTHS: usize = 0x1620;
/** For `buildSmall` and `buildMain`: u32 for each code length. */
export const COUNTS: usize = 0x1680;
export const PLACES: usize = 0x1700;
/** Symbols in the order of their codes, u16. */
export const SORTED: usize = 0x1800;
/** For each position slot: first offset (u32) and footer bits (u8). */
export const SLOT_BASES: usize = 0x2000;
export const SLOT_BITS: usize = 0x2100;
/** For each match offset below 16: a shuffle that repeats the period, and how far a store of it reaches. */
export const PERIODS: usize = 0x2200;
export const STRIDES: usize = 0x2300;

/** Small trees: first-level table (u16), then what `longCode` needs. */
export const PRE_TABLE: usize = 0x2400;
export const ALIGNED_TABLE: usize = 0x2800;
export const LENGTH_TABLE: usize = 0x3000;

/** Main table: 2^10 entries (u64), then second-level tables of 2^6, for at most 328 long prefixes. */
export const MAIN_TABLE: usize = 0x8000;
export const MAIN_TABLE_END: usize = MAIN_TABLE + 1024 * 8 + 328 * 64 * 8;
/** Of deflate, which never shares an instance's memory with LZX at one time: code lengths and tables. */
export const DEFLATE_LENGTHS: usize = 0x1000;
export const LITERAL_TABLE: usize = MAIN_TABLE;
export const DISTANCE_TABLE: usize = MAIN_TABLE + 2048 * 8 + 144 * 16 * 8;

/** One CFDATA block as it came, at most 65,535 bytes, and zeros behind it. */
export const INPUT: usize = 0x33000;
/** The block's words in reverse order, one copy for words at even and one for words at odd bytes; ends of the copies. */
export const EVEN_TOP: usize = 0x55000;
export const ODD_TOP: usize = 0x66000;
/** Output frame after the call translation. */
export const TRANSLATED: usize = 0x67000;
export const WINDOW: usize = 0x6f100;
/** The largest window and a frame. */
export const WINDOW_SPACE: usize = 0x208000;
/** Copies write up to 47 bytes more than asked for. */
export const MEMORY_END: usize = WINDOW + WINDOW_SPACE + 64;
