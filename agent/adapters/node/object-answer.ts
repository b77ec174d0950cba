import { AgentError } from '../../ports/agent-error.ts';
import type { BodyAnswer, Resume } from '../../ports/repository.ts';
import type { HttpAnswer } from './http.ts';

/** Headers that ask for the rest of an object. Without an ETag, who asks knows by other means that it is the same object. */
export const resumeHeaders = (resume: Resume | undefined): Readonly<Record<string, string>> =>
  resume === undefined
    ? {}
    : { range: `bytes=${resume.from}-`, ...(resume.etag !== undefined && { 'if-range': resume.etag }) };

/** The range begins after the end: what is here is no beginning of the object, so the whole is to be asked for. */
export const isPastTheEnd = (answer: HttpAnswer, resume: Resume | undefined): boolean =>
  answer.status === 416 && resume !== undefined;

/**
 * The body that an answer of 200 or 206 brings.
 *
 * @param name of the object, for people
 * @throws AgentError `bad-answer`, or what `refusal` makes of another status
 */
export async function describeObject(
  answer: HttpAnswer,
  name: string,
  resume: Resume | undefined,
  refusal: (answer: HttpAnswer) => AgentError,
): Promise<BodyAnswer> {
  const etag = strongEtag(answer.header('etag'));
  const common = { body: answer.body, discard: answer.discard, ...(etag === undefined ? {} : { etag }) };
  if (answer.status === 200) {
    const length = answer.header('content-length');
    return { ...common, from: 0, ...(length === undefined ? {} : { totalBytes: Number(length) }) };
  }
  if (answer.status !== 206) {
    await answer.discard();
    throw refusal(answer);
  }
  // RFC 9110, section 14.4: `bytes 5-9/10`, or `bytes 5-9/*` when the length is not known.
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  if (resume === undefined || match === null) {
    await answer.discard();
    throw new AgentError(
      'bad-answer',
      resume === undefined
        ? `${name}: a range was answered though none was asked for`
        : `${name}: Content-Range is ${JSON.stringify(answer.header('content-range'))}, allowed is bytes FIRST-LAST/TOTAL`,
    );
  }
  return { ...common, from: Number(match[1]), ...(match[3] === '*' ? {} : { totalBytes: Number(match[3]) }) };
}

/** If-Range takes strong ETags only (RFC 9110, section 13.1.5). */
const strongEtag = (etag: string | undefined): string | undefined => (etag?.startsWith('"') ? etag : undefined);

/** Whether the server says "later". */
export const isLater = (status: number): boolean => status === 408 || status === 429 || status >= 500;
