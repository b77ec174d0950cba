import { untranslatedTail } from './format.ts';

/**
 * Undoes the x86 call translation of one frame, in place: the encoder made the relative operand of each `E8` (call)
 * absolute, so that calls of one function look alike ([MS-PATCH], "E8 Call Translation").
 *
 * @param frame output of one frame
 * @param start position of the frame in the folder's output, in bytes
 * @param translationSize from the stream's header; Microsoft's encoder writes 12,000,000
 */
export function undoCallTranslation(frame: Uint8Array, start: number, translationSize: number): void {
  const end = frame.length - untranslatedTail;
  for (let i = frame.indexOf(0xe8); i !== -1 && i < end; i = frame.indexOf(0xe8, i + 5)) {
    const absolute =
      (frame[i + 1] as number) |
      ((frame[i + 2] as number) << 8) |
      ((frame[i + 3] as number) << 16) |
      ((frame[i + 4] as number) << 24);
    const position = start + i;
    if (absolute < -position || absolute >= translationSize) continue;
    const relative = absolute >= 0 ? absolute - position : absolute + translationSize;
    frame[i + 1] = relative;
    frame[i + 2] = relative >>> 8;
    frame[i + 3] = relative >>> 16;
    frame[i + 4] = relative >>> 24;
  }
}
