import { element, xmlDocument } from './xml.ts';

/** An error as S3 answers it: a code for programs, a status, a message for people. */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;
  /** Further elements of the answer. */
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    code: string,
    status: number,
    message: string,
    more: { readonly details?: Record<string, string>; readonly headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = 'S3Error';
    this.code = code;
    this.status = status;
    this.details = more.details ?? {};
    this.headers = more.headers ?? {};
  }
}

/** The error as S3's XML. Source: "Error responses" in the Amazon S3 API Reference. */
export function errorXml(error: S3Error, resource: string, requestId: string): string {
  return xmlDocument(
    element('Error', [
      element('Code', error.code),
      element('Message', error.message),
      ...Object.entries(error.details).map(([name, value]) => element(name, value)),
      element('Resource', resource),
      element('RequestId', requestId),
    ]),
  );
}

export const accessDenied = (message = 'Access Denied') => new S3Error('AccessDenied', 403, message);
export const badDigest = (what: string) =>
  new S3Error('BadDigest', 400, `The ${what} you specified did not match the calculated checksum.`);
export const invalidArgument = (message: string) => new S3Error('InvalidArgument', 400, message);
export const invalidRequest = (message: string) => new S3Error('InvalidRequest', 400, message);
export const malformedXml = (message: string) =>
  new S3Error(
    'MalformedXML',
    400,
    `The XML you provided was not well-formed or did not validate against our published schema: ${message}`,
  );
export const noSuchBucket = (bucket: string) =>
  new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist', { details: { BucketName: bucket } });
export const noSuchKey = (key: string) =>
  new S3Error('NoSuchKey', 404, 'The specified key does not exist.', { details: { Key: key } });
export const noSuchUpload = (uploadId: string) =>
  new S3Error(
    'NoSuchUpload',
    404,
    'The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been aborted or completed.',
    { details: { UploadId: uploadId } },
  );
export const notImplemented = (what: string) =>
  new S3Error('NotImplemented', 501, `The local S3 does not model ${what}.`);
export const preconditionFailed = (condition: string) =>
  new S3Error('PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold', {
    details: { Condition: condition },
  });
