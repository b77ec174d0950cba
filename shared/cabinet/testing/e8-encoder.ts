import { frameLength, translatedFrames, untranslatedTail } from '../lzx/format.ts';

/**
 * Makes the relative operand of each x86 call (`E8`) of a frame absolute, in place ([MS-PATCH], "E8 Call Translation"). The
 * decoder's step is its exact reverse.
 *
 * @param start position of the frame in its folder's stream
 */
export function translateFrame(frame: Uint8Array, start: number, translationSize: number): void {
  if (start >= translatedFrames * frameLength) return;
  const end = frame.length - untranslatedTail;
  let i = frame.indexOf(0xe8);
  if (i === -1 || i >= end) return;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  for (; i !== -1 && i < end; i = frame.indexOf(0xe8, i + 5)) {
    const position = start + i;
    const relative = view.getInt32(i + 1, true);
    if (relative >= -position && relative < translationSize - position) {
      view.setInt32(i + 1, relative + position, true);
    } else if (relative >= translationSize - position && relative < translationSize) {
      view.setInt32(i + 1, relative - translationSize, true);
    }
  }
}
