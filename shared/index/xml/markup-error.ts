/** Raised by the tokenizer; the message is for people. */
export class MarkupError extends Error {
  override readonly name = 'MarkupError';
  /** Offset in the document, in bytes. */
  readonly position: number;

  constructor(position: number, message: string) {
    super(message);
    this.position = position;
  }
}
