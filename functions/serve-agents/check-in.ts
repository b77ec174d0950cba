import type { CheckIn, CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import { noRules, rulesOfHost } from '#shared/contract/rules.ts';
import { ordersFor, takeOutcomes } from './commands.ts';
import { cookiesOrNone } from './cookies.ts';
import { kept } from './kept.ts';
import type { AgentPorts, HostCaller } from './ports.ts';
import { writeDown } from './turn.ts';

/** Cookies that end sooner are renewed: a host that comes every two hours must never run out of them. */
const cookiesNeededMilliseconds = 3 * 3_600_000;

/**
 * Answers a host that says how it is: the rules of its group and its own when it lacks them, what it should do, cookies
 * for the repository. One read and one write of its row; the rest is shared by all hosts and kept in memory.
 */
export function checkIns(ports: AgentPorts): (request: CheckIn, caller: HostCaller) => Promise<CheckInAnswer> {
  const now = () => ports.now().getTime();
  const { keepMilliseconds } = ports;
  const keeping = { milliseconds: keepMilliseconds, now };
  // Parsed once per revision: while nobody changes them, looking again costs one small read.
  let known = noRules;
  const rulesInForce = kept(async () => {
    known = (await ports.rules.getIfNewer(known.revision)) ?? known;
    return known;
  }, keeping);
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
      ...(unchanged && { scannedAt: noLaterThan(unchanged.scannedAt, at) }),
    });

    const acknowledged = await takeOutcomes(ports, record, request.outcomes);
    // The revision stands for what is in the packages and for which of them count where. Another copy of this function may
    // have told newer ones already; those that are kept here must not take them back.
    const rules = await rulesInForce(({ revision }) => revision >= (request.rulesRevision ?? 0));
    const hasCookies =
      request.cookiesUntil !== undefined && Date.parse(request.cookiesUntil) - at.getTime() > cookiesNeededMilliseconds;
    const cookies = hasCookies ? undefined : await cookiesFor(at);
    return {
      version: 1,
      serverTime: at.toISOString(),
      knowsReport: unchanged !== undefined,
      pollSeconds: orders.pollSeconds,
      ...(request.rulesRevision !== rules.revision && { rules: rulesOfHost(rules, record) }),
      commands: [...orders.commands],
      acknowledged,
      ...(cookies && { cookies }),
    };
  };
}

/** A clock that is ahead does not make a scan younger than its arrival. */
export const noLaterThan = (timestamp: string, at: Date): string =>
  new Date(Math.min(Date.parse(timestamp), at.getTime())).toISOString();
