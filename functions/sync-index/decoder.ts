/**
 * How an index is read and its facts are made. To be raised when shared/index or the facts of shared/core/catalog would
 * say other things of the same bytes than before: nothing is then taken over from a catalogue that an older version
 * read, and `kbroker index sync` reads the current index again.
 */
export const decoderVersion = 2;
