/** Something that is tried with more inputs than a test has time for. An input follows from its number alone. */
export interface Fuzzer {
  /** What the number stands for; it is written to a file when it shows a fault. */
  inputOf(number: number): Uint8Array;
  /** @throws Error when the input shows a fault */
  check(input: Uint8Array, number: number): void;
}

/** What a worker tells of an input that shows a fault. */
export interface Finding {
  readonly number: number;
  /** The error with its stack. */
  readonly error: string;
}

export const fuzzers: Readonly<Record<string, () => Promise<Fuzzer>>> = {
  cabinet: async () => (await import('./cabinet.ts')).cabinetFuzzer(),
};
