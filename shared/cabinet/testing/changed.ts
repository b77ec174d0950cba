import { type EncodeOptions, encodeCab, type MemberToEncode } from './encode.ts';

/** Small files whose data says their name. */
export const files = (...names: string[]): MemberToEncode[] =>
  names.map((name) => ({ name, data: new TextEncoder().encode(`data of ${name}`) }));

/** A cabinet and a view to change it. */
export function changed(options: EncodeOptions, change: (view: DataView, at: Places) => void): Uint8Array {
  const cab = encodeCab(options);
  const view = new DataView(cab.buffer);
  const filesAt = view.getUint32(16, true);
  const file = (index: number): number => {
    let at = filesAt;
    for (let i = 0; i < index; i++) at = cab.indexOf(0, at + 16) + 1;
    return at;
  };
  const reserved = (view.getUint16(30, true) & 4) !== 0;
  const foldersAt = reserved ? 40 + view.getUint16(36, true) : 36;
  const folder = (index: number) => foldersAt + index * (8 + (reserved ? view.getUint8(38) : 0));
  change(view, { file, folder, data: (index) => view.getUint32(folder(index), true) });
  return cab;
}

/** Bytes of the cabinet at which things stand. */
interface Places {
  /** CFFILE entry: size +0, offset +4, folder +8. */
  file(index: number): number;
  /** CFFOLDER entry: data offset +0, blocks +4, compression +6. */
  folder(index: number): number;
  /** First CFDATA of a folder: checksum +0, packed length +4, unpacked length +6. */
  data(folder: number): number;
}
