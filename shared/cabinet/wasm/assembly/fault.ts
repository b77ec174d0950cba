/** Byte of the input at which the last fault was noticed. */
export let faultOffset: i32 = 0;

export function setFaultOffset(at: i32): void {
  faultOffset = at;
}
