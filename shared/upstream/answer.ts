import type { ResponseBody } from './body.ts';

/** What the origin said of the copy that we know, for a conditional request. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** An answer whose body is still to be read or discarded. */
export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ResponseBody;
}

/** The first value of a header. */
export function header(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export const validatorsOf = (answer: Answer): Validators => ({
  etag: header(answer, 'etag'),
  lastModified: header(answer, 'last-modified'),
});
