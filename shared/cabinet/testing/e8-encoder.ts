import { frameLength, translatedFrames, untranslatedTail } from '../lzx/format.ts';

/**
 * Makes the relative operand of each x86 call (`E8`) absolute, frame by frame, in a copy ([MS-PATCH], "E8 Call Translation"). The
 * decoder's step is its exact reverse.
 */
export function translateCalls(stream: Uint8Array, translationSize: number): Uint8Array {
  const result = new Uint8Array(stream);
  const until = Math.min(stream.length, translatedFrames * frameLength);
  for (let start = 0; start < until; start += frameLength) {
    translateFrame(result.subarray(start, Math.min(start + frameLength, until)), start, translationSize);
  }
  return result;
}

function translateFrame(frame: Uint8Array, start: number, translationSize: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const end = frame.length - untranslatedTail;
  for (let i = frame.indexOf(0xe8); i !== -1 && i < end; i = frame.indexOf(0xe8, i + 5)) {
    const position = start + i;
    const relative = view.getInt32(i + 1, true);
    if (relative >= -position && relative < translationSize - position) {
      view.setInt32(i + 1, relative + position, true);
    } else if (relative >= translationSize - position && relative < translationSize) {
      view.setInt32(i + 1, relative - translationSize, true);
    }
  }
}
