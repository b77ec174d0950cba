/** Numbers of SHA-1s, which stand one after the other, in the order of these. */
export function orderOf(sha1s: Uint8Array, count: number): Uint32Array {
  // Almost all differ in the first 32 bits. With the number below these they are sorted without a comparison of ours.
  const keys = new Float64Array(count);
  const view = new DataView(sha1s.buffer, sha1s.byteOffset, sha1s.byteLength);
  const room = 2 ** 21;
  if (count > room) return Uint32Array.from(keys, (_, number) => number).sort((a, b) => compareDigests(sha1s, a, b));
  for (let number = 0; number < count; number++) keys[number] = view.getUint32(number * 20) * room + number;
  keys.sort();
  const order = Uint32Array.from(keys, (key) => key % room);
  for (let from = 0; from < count; ) {
    let until = from + 1;
    const first = Math.floor((keys[from] as number) / room);
    while (until < count && Math.floor((keys[until] as number) / room) === first) until += 1;
    if (until - from > 1) order.subarray(from, until).sort((a, b) => compareDigests(sha1s, a, b));
    from = until;
  }
  return order;
}

function compareDigests(sha1s: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < 20; i++) {
    const difference = (sha1s[a * 20 + i] as number) - (sha1s[b * 20 + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
