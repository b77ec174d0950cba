/** Pseudo-random numbers of 32 bits, the same for the same seed (xorshift). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Bytes that do not compress, like those of a cabinet in a cabinet. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const next = randomNumbers(seed);
  return Uint8Array.from({ length }, () => next() >>> 24);
}

/** Text with many repetitions near and far, like an index. */
export function markup(length: number, seed: number): Uint8Array {
  const next = randomNumbers(seed);
  const parts: string[] = [];
  for (let size = 0; size < length; ) {
    const id = next().toString(16).padStart(8, '0');
    const part = `<Update RevisionId="${next() % 100_000}" UpdateId="${id}-0000-4000-8000-${id}0000"><Prerequisites /></Update>`;
    parts.push(part);
    size += part.length;
  }
  return new TextEncoder().encode(parts.join('')).subarray(0, length);
}

/** Bytes with many x86 calls to few functions, among others with operands at the ends of the translated range. */
export function machineCode(length: number, seed: number): Uint8Array {
  const next = randomNumbers(seed);
  const bytes = randomBytes(length, seed + 1);
  const view = new DataView(bytes.buffer);
  const targets = [0, 1000, 50_000, length, 11_999_999, 12_000_000, 0x7fffffff];
  for (let at = 0; at + 5 < length; at += 5 + (next() % 20)) {
    bytes[at] = 0xe8;
    const target = targets[next() % targets.length] ?? 0;
    view.setInt32(at + 1, (next() & 1) === 0 ? target - at : -at - (next() % 3) + 1, true);
  }
  return bytes;
}

/** Files that exercise an encoder: 400 KB of everything above, alternating fast, with empty and tiny ones. */
export function corpus(): Record<string, Uint8Array> {
  const zeros = new Uint8Array(70_000);
  const alternating = [markup(20_001, 5), randomBytes(33_333, 6), zeros, randomBytes(7, 7), machineCode(30_000, 8)];
  return {
    'markup.xml': markup(100_003, 1),
    'random.bin': randomBytes(65_536 + 11, 2),
    'code.bin': machineCode(80_000, 3),
    'alternating.bin': Buffer.concat(alternating),
    'one.bin': Uint8Array.of(0xe8),
    'empty.bin': new Uint8Array(0),
    'last.bin': randomBytes(301, 4),
  };
}
