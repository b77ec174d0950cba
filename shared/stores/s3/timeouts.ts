/** What a client of S3 takes as `requestHandler`. */
export interface ConnectionTimeouts {
  /** Until a connection is there. Milliseconds. */
  readonly connectionTimeout: number;
  /** Without a byte in either direction. Milliseconds. */
  readonly socketTimeout: number;
}

/**
 * The SDK waits for ever by itself. A function whose connection fell silent would be ended by Lambda without a word, and
 * what it was about with it. While S3 copies or completes a large object it sends blanks to keep the connection
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html), so a minute of silence is no work.
 *
 * @param silenceMilliseconds @default one minute
 */
export const connectionTimeouts = (silenceMilliseconds = 60_000): ConnectionTimeouts => ({
  connectionTimeout: 10_000,
  socketTimeout: silenceMilliseconds,
});
