/** Where what has an address on AWS listens on this machine. */
export interface Addresses {
  /** Address on AWS, for instance `https://d1.cloudfront.net`, to the address here. */
  add(onAws: string, here: string): void;
  /** The same text with the addresses of this machine in the place of AWS's. */
  localise(text: string): string;
}

export function createAddresses(): Addresses {
  const known = new Map<string, string>();
  return {
    add: (onAws, here) => void known.set(onAws, here),
    localise(text) {
      let result = text;
      // Longer ones first, so that an address that another begins with does not take its place.
      for (const onAws of [...known.keys()].sort((a, b) => b.length - a.length)) {
        result = result.replaceAll(onAws, known.get(onAws) ?? onAws);
      }
      return result;
    },
  };
}
