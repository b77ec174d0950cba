import type { Folder, Rules, Setting } from './book.ts';
import { always, type CompiledRule, type Facts, factsOf, type Window, windowOf } from './match.ts';
import type { Effect, Judged, VerdictCode } from './model.ts';
import { isServicingStack } from './servicing-stack.ts';
import { type WaptHit, waptHit } from './wapt.ts';

/** A rule, or a list of WAPT's, that holds for an update at some time. */
export type Match = RuleMatch | WaptMatch;

interface RuleMatch extends Window {
  readonly rule: CompiledRule;
}

interface WaptMatch extends Window, WaptHit {}

/** A delay that counts for an update. */
export interface Delay extends Setting<number> {
  /** Whether it is one for the update's severity. */
  readonly bySeverity: boolean;
  /** Milliseconds since 1970. NaN when it is not known since when the update is published: then the delay does not end. */
  readonly endsAt: number;
}

/** What holds at a moment, and why. */
export interface Finding {
  readonly code: VerdictCode;
  /** Of `forbidden`, `held` and `allowed`; of `delayed`, what allows the update, unless it is the default. */
  readonly match?: Match;
}

/**
 * All that the rules say of one update from a moment on. What a step needs is looked up when the step is reached, so a
 * forbidden update costs nothing of the steps after it.
 */
export class Weighing {
  readonly facts: Facts;
  readonly servicingStack: boolean;
  readonly #rules: Rules;
  readonly #now: number;
  readonly #lanes: { [effect in Effect]?: readonly Match[] } = {};
  #folders: readonly Folder[] | undefined;
  #delay: Delay | 'none' | undefined;

  /** @param now milliseconds since 1970 */
  constructor(rules: Rules, update: Judged, now: number) {
    this.#rules = rules;
    this.#now = now;
    this.facts = factsOf(update);
    this.servicingStack = isServicingStack(update);
  }

  /**
   * The order of the steps: forbid, hold, servicing stack, allow, delay, default. Nothing but a forbid by id stands in the way
   * of a servicing stack update. A delay counts for whatever is allowed, be it by a rule or by default.
   *
   * @param at not before the moment of the constructor
   */
  find(at: number): Finding {
    const forbid = this.firstOf('forbid', at);
    if (forbid !== undefined) return { code: 'forbidden', match: forbid };
    const hold = this.firstOf('hold', at);
    if (hold !== undefined) return { code: 'held', match: hold };
    if (this.servicingStack) return { code: 'servicing-stack' };
    const allow = this.firstOf('allow', at);
    const allowed = allow !== undefined || this.#rules.settings.defaultAllow?.value === true;
    if (!allowed) return { code: 'default-deny' };
    const delay = this.delay();
    if (delay !== undefined && !(at >= delay.endsAt)) {
      return { code: 'delayed', ...(allow !== undefined && { match: allow }) };
    }
    return allow === undefined ? { code: 'default-allow' } : { code: 'allowed', match: allow };
  }

  /** What counts first for a step at a moment. */
  firstOf(effect: Effect, at: number): Match | undefined {
    for (const match of this.#lane(effect)) if (match.from <= at && at < match.to) return match;
    return undefined;
  }

  /** What would count first, were the update no servicing stack update. */
  ignored(effect: 'forbid' | 'hold'): Match | undefined {
    if (!this.servicingStack) return undefined;
    const at = this.#now;
    return this.#collect(effect, false).find(({ from, to }) => from <= at && at < to);
  }

  /** The delay that counts for the update, over or not. */
  delay(): Delay | undefined {
    this.#delay ??= this.#findDelay();
    return this.#delay === 'none' ? undefined : this.#delay;
  }

  /** The next moment after `at` at which what was looked at so far begins or ends to hold. */
  nextChange(at: number): number {
    let next = Number.POSITIVE_INFINITY;
    const consider = (moment: number): void => {
      if (moment > at && moment < next) next = moment;
    };
    for (const lane of Object.values(this.#lanes)) {
      for (const { from, to } of lane) {
        consider(from);
        consider(to);
      }
    }
    if (this.#delay !== undefined && this.#delay !== 'none') consider(this.#delay.endsAt);
    return next;
  }

  #findDelay(): Delay | 'none' {
    const { installDelay, installDelays } = this.#rules.settings;
    const own = installDelays.get(this.facts.severity);
    const delay = own ?? installDelay;
    if (delay === undefined || delay.value === 0) return 'none';
    return { ...delay, bySeverity: own !== undefined, endsAt: this.facts.publishedAt + delay.value * 1000 };
  }

  #lane(effect: Effect): readonly Match[] {
    const known = this.#lanes[effect];
    if (known !== undefined) return known;
    // A servicing stack update heeds nothing but what forbids it by id.
    const lane = this.servicingStack && effect === 'hold' ? [] : this.#collect(effect, this.servicingStack);
    this.#lanes[effect] = lane;
    return lane;
  }

  /** All that holds now or later, in order, up to the first that holds from now on for ever: nothing after it can count. */
  #collect(effect: Effect, idsOnly: boolean): readonly Match[] {
    const found: RuleMatch[] = [];
    let closing = Number.POSITIVE_INFINITY;
    this.#folders ??= foldersOf(this.#rules, this.facts);
    for (const folder of this.#folders) {
      for (const rule of folder[effect]) {
        if (rule.rank >= closing) break;
        if (idsOnly && rule.when.updates === undefined) continue;
        const window = windowOf(rule, this.facts);
        if (window === undefined || window.to <= this.#now || window.from >= window.to) continue;
        found.push({ rule, from: window.from, to: window.to });
        if (window.from <= this.#now && window.to === Number.POSITIVE_INFINITY) closing = rule.rank;
      }
    }
    const lane: Match[] = found.filter(({ rule }) => rule.rank <= closing).sort((a, b) => a.rule.rank - b.rule.rank);
    if (closing === Number.POSITIVE_INFINITY) {
      const hit = waptHit(this.#rules.wapt, this.facts, effect, { idsOnly });
      if (hit !== undefined) lane.push({ ...hit, ...always });
    }
    return lane;
  }
}

/** The folders that an update opens. A rule may lie in several of them; that changes nothing. */
function foldersOf({ drawers, others }: Rules, facts: Facts): readonly Folder[] {
  const folders: Folder[] = [others];
  const open = (drawer: ReadonlyMap<string, Folder>, key: string): void => {
    const folder = drawer.get(key);
    if (folder !== undefined) folders.push(folder);
  };
  open(drawers.updates, facts.update.updateId);
  for (const kb of facts.update.kbs) open(drawers.kbs, kb);
  for (const key of facts.products) open(drawers.products, key);
  for (const key of facts.classification) open(drawers.classifications, key);
  open(drawers.severities, facts.severity);
  return folders;
}
