/** A number with what is counted, in its singular or plural: `1 host`, `2 hosts`, `0 entries`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
