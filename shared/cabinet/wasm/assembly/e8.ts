/**
 * Undoes the x86 call translation of a frame: the encoder made the relative operand of each `E8` (call) absolute, so
 * that calls of one function look alike ([MS-PATCH], "E8 Call Translation").
 */
import { TRANSLATED } from './memory';

/** The translation ends after this many frames of a folder (1 GiB), */
const TRANSLATED_FRAMES: i32 = 32768;
const FRAME: i32 = 32768;
/** The opcode. */
export const CALL: i32 = 0xe8;
/** and leaves the last bytes of a frame alone. */
const TAIL: usize = 10;

/** First `E8` from `at` on and before `end`, or `end` or more. Reads up to 15 bytes beyond. */
@inline
function findCall(at: usize, end: usize): usize {
  const call = i8x16.splat(<i8>CALL);
  while (at < end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(at), call));
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
  return end;
}

/** Whether there is an `E8` at all, in the tail too: a match may copy it to where it counts. */
export function hasCall(frame: usize, length: i32): bool {
  const end = frame + length;
  return findCall(frame, end) < end;
}

/**
 * @param number place of the frame in its folder, from 0
 * @param translationSize from the stream's header, 0 for none; Microsoft's encoder writes 12,000,000
 * @returns where the frame stands now: a copy if anything changed, since matches refer to the untranslated bytes
 */
export function callsTranslated(frame: usize, length: i32, number: i32, translationSize: i64): usize {
  if (translationSize == 0 || number >= TRANSLATED_FRAMES || <usize>length <= TAIL) return frame;
  const end = frame + length - TAIL;
  let call = findCall(frame, end);
  if (call >= end) return frame;
  memory.copy(TRANSLATED, frame, length);
  const start = number * FRAME;
  const shift = TRANSLATED - frame;
  while (call < end) {
    const absolute = <i64>load<i32>(call, 1);
    const position = <i64>start + <i64>(call - frame);
    if (absolute >= -position && absolute < translationSize) {
      store<i32>(call + shift, <i32>(absolute >= 0 ? absolute - position : absolute + translationSize), 1);
    }
    call = findCall(call + 5, end);
  }
  return TRANSLATED;
}
