import type { CheckIn, CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import { ordersFor, takeOutcomes } from './commands.ts';
import { cookiesOrNone } from './cookies.ts';
import { kept } from './kept.ts';
import type { AgentPorts, HostCaller } from './ports.ts';
import { writeDown } from './turn.ts';

/** Cookies that end sooner are renewed: a host that comes every two hours must never run out of them. */
const cookiesNeededMilliseconds = 3 * 3_600_000;

/**
 * Answers a host that says how it is: what it should do, and cookies for the repository, where its rules are. One read and one write of its row; the rest is shared by all hosts and kept in memory.
 */
export function checkIns(ports: AgentPorts): (request: CheckIn, caller: HostCaller) => Promise<CheckInAnswer> {
  const now = () => ports.now().getTime();
  const { keepMilliseconds } = ports;
  const keeping = { milliseconds: keepMilliseconds, now };
  const cookiesFor = cookiesOrNone(ports);
  const activeCommands = kept(() => ports.commands.active(ports.now().toISOString()), keeping);

  return async (request, caller) => {
    const { record } = caller;
    const at = ports.now();
    const active = await activeCommands();
    const orders = ordersFor(active, record, request.outcomes, { now: at, staleMilliseconds: keepMilliseconds });
    const unchanged = request.report?.hash === record.reportHash ? request.report : undefined;
    await writeDown(ports, caller, {
      livelyUntil: orders.livelyUntil,
      received: request.received,
      ...(unchanged && { scannedAt: noLaterThan(unchanged.scannedAt, at) }),
    });

    const acknowledged = await takeOutcomes(ports, record, request.outcomes);
    const hasCookies =
      request.cookiesUntil !== undefined && Date.parse(request.cookiesUntil) - at.getTime() > cookiesNeededMilliseconds;
    const cookies = hasCookies ? undefined : await cookiesFor(at);
    return {
      version: 1,
      serverTime: at.toISOString(),
      knowsReport: unchanged !== undefined,
      pollSeconds: orders.pollSeconds,
      commands: [...orders.commands],
      acknowledged,
      ...(cookies && { cookies }),
    };
  };
}

/** A clock that is ahead does not make a scan younger than its arrival. */
export const noLaterThan = (timestamp: string, at: Date): string =>
  new Date(Math.min(Date.parse(timestamp), at.getTime())).toISOString();
