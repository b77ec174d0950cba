/** Runs the schedules of the stack, each with its own role, on a clock that may go faster than time. */
import { randomUUID } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Credentials, StackLogLine } from '#local/types.ts';
import type { Access } from '../iam/access.ts';
import type { FunctionRunner } from '../lambda/function-runner.ts';
import type { Functions } from '../lambda/functions.ts';
import { failure, type Outcome } from '../lambda/outcome.ts';
import { type Occurrences, parseSchedule } from './expression.ts';

export interface ScheduleEntry {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly timeZone: string;
  readonly enabled: boolean;
  readonly target: FunctionRunner;
  /** Of the schedule's role. */
  readonly credentials: Credentials;
  readonly input: string | undefined;
  /** Where invocations go that the target did not accept. */
  readonly deadLetterQueueUrl: string | undefined;
}

export interface SchedulerOptions {
  readonly region: string;
  readonly accountId: string;
  /** Seconds of the schedules' clock in a second of ours. */
  readonly speed: number;
  readonly sqsEndpoint: string;
  readonly access: Access;
  readonly functions: Functions;
  readonly log: (line: StackLogLine) => void;
}

/** Longest delay that a timer of Node takes. */
const longestDelayMilliseconds = 2 ** 31 - 1;

export class Scheduler {
  readonly #entries: readonly ScheduleEntry[];
  readonly #options: SchedulerOptions;
  readonly #start = new Date();
  readonly #timers = new Map<ScheduleEntry, NodeJS.Timeout>();

  /** @throws RuntimeError `bad-configuration` for an expression that cannot be read */
  constructor(entries: readonly ScheduleEntry[], options: SchedulerOptions) {
    this.#entries = entries;
    this.#options = options;
    for (const entry of entries) this.#occurrences(entry);
  }

  /** Lets the enabled schedules run. A rate fires first after one interval. */
  start(): void {
    for (const entry of this.#entries) {
      if (entry.enabled) this.#plan(entry, this.#occurrences(entry), this.#now());
    }
  }

  /** The schedule that invokes a function; of several the one that asks for nothing in particular. */
  find(functionName: string): ScheduleEntry | undefined {
    const entries = this.#entries.filter((entry) => entry.target.name === functionName);
    return entries.find(({ input }) => input === undefined) ?? entries[0];
  }

  /** Runs a schedule's target now, once and waited for; a failure is not tried again. */
  async trigger(entry: ScheduleEntry): Promise<Outcome> {
    const denied = this.#denial(entry);
    if (denied !== undefined) return failure('function-error', denied);
    return entry.target.invoke(this.#input(entry, this.#now()));
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #occurrences({ expression, timeZone }: ScheduleEntry): Occurrences {
    return parseSchedule(expression, timeZone, this.#start);
  }

  /** The schedules' clock. */
  #now(): Date {
    const passed = Date.now() - this.#start.getTime();
    return new Date(this.#start.getTime() + passed * this.#options.speed);
  }

  #plan(entry: ScheduleEntry, occurrences: Occurrences, after: Date): void {
    const next = occurrences(after);
    if (next === undefined) return;
    const delay = Math.max(0, (next.getTime() - this.#now().getTime()) / this.#options.speed);
    const timer = setTimeout(
      () => {
        if (delay > longestDelayMilliseconds) return this.#plan(entry, occurrences, after);
        void this.#fire(entry, next);
        this.#plan(entry, occurrences, next);
      },
      Math.min(delay, longestDelayMilliseconds),
    );
    this.#timers.set(entry, timer);
  }

  async #fire(entry: ScheduleEntry, scheduled: Date): Promise<void> {
    const denied = this.#denial(entry);
    const input = this.#input(entry, scheduled);
    if (denied === undefined) {
      if (entry.target.waiting > 0) {
        // A fast clock on a slow machine must not heap up events for ever, which on AWS the scale of Lambda prevents.
        this.#log(entry, 'warn', 'skipped: an earlier invocation still waits for a process');
        return;
      }
      this.#options.functions.accept(entry.target, input);
      return;
    }
    if (entry.deadLetterQueueUrl === undefined) return;
    const { region, sqsEndpoint } = this.#options;
    const sqs = new SQSClient({ region, endpoint: sqsEndpoint, credentials: entry.credentials });
    try {
      await sqs.send(new SendMessageCommand({ QueueUrl: entry.deadLetterQueueUrl, MessageBody: input }));
    } catch (error) {
      this.#log(entry, 'error', `cannot send to the dead-letter queue: ${String(error)}`);
    } finally {
      sqs.destroy();
    }
  }

  #denial({ credentials, target }: ScheduleEntry): string | undefined {
    const { accessKeyId } = credentials;
    const decision = this.#options.access.authorize({
      accessKeyId,
      action: 'lambda:InvokeFunction',
      resource: target.arn,
    });
    return decision.allowed ? undefined : decision.message;
  }

  /**
   * Context attributes in the input are filled in; without an input the target gets a notification.
   * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
   */
  #input({ input, arn }: ScheduleEntry, scheduled: Date): string {
    const time = scheduled.toISOString().replace(/\.\d+Z$/, 'Z');
    const id = randomUUID();
    if (input !== undefined) {
      return input
        .replaceAll('<aws.scheduler.schedule-arn>', arn)
        .replaceAll('<aws.scheduler.scheduled-time>', time)
        .replaceAll('<aws.scheduler.execution-id>', id)
        .replaceAll('<aws.scheduler.attempt-number>', '1');
    }
    const { accountId: account, region } = this.#options;
    return JSON.stringify({
      version: '0',
      id,
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account,
      time,
      region,
      resources: [arn],
      detail: '{}',
    });
  }

  #log(entry: ScheduleEntry, level: StackLogLine['level'], message: string): void {
    this.#options.log({ source: `schedule ${entry.name}`, level, message });
  }
}
