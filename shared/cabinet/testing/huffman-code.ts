/** A canonical Huffman code: code and length in bits of each symbol, length 0 for none. */
export interface HuffmanCode {
  readonly lengths: Uint8Array;
  readonly codes: Uint16Array;
}

/**
 * Code for the given frequencies, no code longer than `maxLength`. It is complete, as LZX readers demand: a symbol that
 * is alone gets a companion. When no symbol is used, the code is empty.
 */
export function huffmanCode(frequencies: Uint32Array, maxLength: number): HuffmanCode {
  const weights = Float64Array.from(frequencies);
  const used = weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  if (used === 0) return { lengths: new Uint8Array(weights.length), codes: new Uint16Array(weights.length) };
  if (used === 1) weights[weights[0] === 0 ? 0 : 1] = 1;
  for (;;) {
    const lengths = codeLengths(weights);
    if (lengths.every((length) => length <= maxLength)) return { lengths, codes: canonicalCodes(lengths) };
    // Flatter frequencies give a shallower tree.
    for (let i = 0; i < weights.length; i++) weights[i] = Math.ceil((weights[i] as number) / 2);
  }
}

/** Huffman's algorithm with two queues: leaves sorted by weight, and inner nodes, which come into being sorted. */
function codeLengths(weights: Float64Array): Uint8Array {
  const leaves = [...weights.keys()]
    .filter((symbol) => (weights[symbol] as number) > 0)
    .sort((a, b) => (weights[a] as number) - (weights[b] as number));
  const count = leaves.length;
  const nodeWeights = leaves.map((symbol) => weights[symbol] as number);
  const parents = new Int32Array(2 * count - 1);
  let leaf = 0;
  let inner = count;
  const lightest = (): number => {
    const leafIsLighter =
      inner >= nodeWeights.length || (leaf < count && (nodeWeights[leaf] as number) <= (nodeWeights[inner] as number));
    return leafIsLighter ? leaf++ : inner++;
  };
  while (nodeWeights.length < 2 * count - 1) {
    const first = lightest();
    const second = lightest();
    parents[first] = nodeWeights.length;
    parents[second] = nodeWeights.length;
    nodeWeights.push((nodeWeights[first] as number) + (nodeWeights[second] as number));
  }
  const depths = new Uint8Array(2 * count - 1);
  for (let node = 2 * count - 3; node >= 0; node--) depths[node] = (depths[parents[node] as number] as number) + 1;
  const lengths = new Uint8Array(weights.length);
  for (const [i, symbol] of leaves.entries()) lengths[symbol] = depths[i] as number;
  return lengths;
}

/** Shorter codes first, and among equally long ones the lower symbol first. */
function canonicalCodes(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= 16; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
    code <<= 1;
  }
  return codes;
}
