export { CabError, type CabErrorCode } from './error.ts';
export type { CabFolder, CabHeader, CabMember, MetMember } from './header.ts';
export { type ByteSink, type CabHandlers, CabReader, readCab } from './reader.ts';
