import { frameLength, translatedFrames, untranslatedTail } from '../lzx/format.ts';

/**
 * Makes the relative operand of each x86 call (`E8`) absolute, frame by frame, in a copy ([MS-PATCH] section 2.2). The
 * decoder's step is its exact reverse.
 */
export function translateCalls(stream: Uint8Array, translationSize: number): Uint8Array {
  const result = new Uint8Array(stream);
  const view = new DataView(result.buffer);
  const until = Math.min(stream.length, translatedFrames * frameLength);
  for (let start = 0; start < until; start += frameLength) {
    const end = Math.min(start + frameLength, stream.length) - untranslatedTail;
    for (let i = result.indexOf(0xe8, start); i !== -1 && i < end; i = result.indexOf(0xe8, i + 5)) {
      const relative = view.getInt32(i + 1, true);
      if (relative >= -i && relative < translationSize - i) view.setInt32(i + 1, relative + i, true);
      else if (relative >= translationSize - i && relative < translationSize) {
        view.setInt32(i + 1, relative - translationSize, true);
      }
    }
  }
  return result;
}
