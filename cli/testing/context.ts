import type { Endpoint } from '#shared/contract/endpoint.ts';
import { parseInWords } from '#shared/contract/parse.ts';
import { fillPath } from '#shared/contract/path.ts';
import type { OperatorClient } from '../client.ts';
import type { CommandContext } from '../commands/context.ts';
import type { TrustHome } from '../trust/home.ts';

/** A call as the client would send it. */
export interface Called {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: unknown;
}

export interface TestContextOptions {
  readonly json?: boolean;
  /** Whether a person sees what is printed. */
  readonly isTTY?: boolean;
  /** What the person at the terminal answers; without it there is none. */
  readonly answer?: string;
  readonly now?: () => Date;
  readonly sleep?: () => Promise<void>;
  /** What is pinned. @default - nothing */
  readonly trust?: TrustHome;
}

const noTrust: TrustHome = { folder: '', read: async () => undefined, write: async () => {} };

/** A command's context without a network, and what became of it. */
export interface TestContext {
  readonly context: CommandContext;
  readonly calls: Called[];
  readonly questions: string[];
  readonly printed: { stdout: string; stderr: string };
}

/**
 * A context whose broker answers as a test says. Answers are held against the endpoint's schema, so that no test can be
 * about an answer that the API never gives.
 */
export function testContext(answer: (called: Called) => unknown, options: TestContextOptions = {}): TestContext {
  const calls: Called[] = [];
  const questions: string[] = [];
  const printed = { stdout: '', stderr: '' };
  const call = async (
    endpoint: Endpoint,
    { params, query, body }: NonNullable<Parameters<OperatorClient>[1]> = {},
  ): Promise<unknown> => {
    const called = { endpoint, method: endpoint.method, url: fillPath(endpoint.path, params, query), body };
    calls.push(called);
    const parsed = parseInWords(endpoint.response, answer(called));
    if (!parsed.success) throw new Error(`no answer of ${endpoint.path}: ${parsed.faults.join('; ')}`);
    return parsed.data;
  };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
    isTTY: options.isTTY ?? false,
  });
  const reply = options.answer;
  const io = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    ...(reply !== undefined && {
      ask: async (question: string) => {
        questions.push(question);
        return reply;
      },
    }),
    env: {},
  };
  const context: CommandContext = {
    io,
    json: options.json ?? false,
    call: call as OperatorClient,
    trust: options.trust ?? noTrust,
    apiUrl: new URL('https://api.example.org/'),
    sleep: options.sleep ?? (async () => {}),
    now: options.now ?? (() => new Date(Date.UTC(2026, 6, 14, 13))),
  };
  return { context, calls, questions, printed };
}
