/**
 * Who replaces whom, through any number of steps.
 *
 * @param starts ids of interest
 * @param newerThan ids that replace an id directly; ids need not be known beforehand
 * @param present ids that may appear in answers
 * @returns for each start the ids in `present` that replace it, in the order of `present`. Ids that replace each other in
 *   a circle do not replace one another.
 *
 * One pass of Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) finds the circles, later ones
 * first; sets of ids are bits, so that chains of many thousand updates cost milliseconds. Nothing recurses.
 */
export function findSuperseders(
  starts: readonly string[],
  newerThan: (id: string) => readonly string[],
  present: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const search = new Search(newerThan, present);
  return new Map(starts.map((start) => [start, search.superseders(start)]));
}

/** An id while it is being visited. */
interface Visit {
  readonly order: number;
  readonly newer: readonly string[];
  /** Next of `newer` to look at. */
  next: number;
  /** Smallest order that is reached from here on the current way. */
  low: number;
  /** Set when its circle is closed. */
  circle?: Circle;
}

/** Ids that reach each other; most circles have one. Both sets hold positions in `present`, 32 to a word. */
interface Circle {
  readonly members: Uint32Array;
  /** Members of all circles that can be reached from this one. */
  readonly beyond: Uint32Array;
}

class Search {
  private readonly visits = new Map<string, Visit>();
  private readonly open: string[] = [];
  private readonly newerThan: (id: string) => readonly string[];
  private readonly present: readonly string[];
  private readonly positions: ReadonlyMap<string, number>;

  constructor(newerThan: (id: string) => readonly string[], present: readonly string[]) {
    this.newerThan = newerThan;
    this.present = present;
    this.positions = new Map(present.map((id, position) => [id, position]));
  }

  superseders(start: string): readonly string[] {
    const { beyond } = this.visit(start);
    return this.present.filter((_, position) => (((beyond[position >>> 5] ?? 0) >>> (position & 31)) & 1) === 1);
  }

  private enter(id: string): Visit {
    const order = this.visits.size;
    const visit: Visit = { order, newer: this.newerThan(id), next: 0, low: order };
    this.visits.set(id, visit);
    this.open.push(id);
    return visit;
  }

  private visit(start: string): Circle {
    const known = this.visits.get(start);
    if (known?.circle !== undefined) return known.circle;
    const first = this.enter(start);
    const way = [{ id: start, visit: first }];
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const { id, visit } = here;
      const newer = visit.newer[visit.next];
      if (newer !== undefined) {
        visit.next += 1;
        const other = this.visits.get(newer);
        if (other === undefined) way.push({ id: newer, visit: this.enter(newer) });
        else if (other.circle === undefined) visit.low = Math.min(visit.low, other.order);
        continue;
      }
      way.pop();
      const before = way.at(-1)?.visit;
      if (before !== undefined) before.low = Math.min(before.low, visit.low);
      if (visit.low === visit.order) this.close(id);
    }
    return first.circle ?? this.emptyCircle();
  }

  /** Closes the circle that began with this id: everything beyond it is closed already. */
  private close(first: string): void {
    const ids = this.open.splice(this.open.lastIndexOf(first));
    const circle = this.emptyCircle();
    for (const id of ids) {
      const position = this.positions.get(id);
      if (position !== undefined) {
        circle.members[position >>> 5] = (circle.members[position >>> 5] ?? 0) | (1 << (position & 31));
      }
    }
    const visits = ids.flatMap((id) => this.visits.get(id) ?? []);
    for (const visit of visits) visit.circle = circle;
    const reached = new Set<Circle>();
    for (const visit of visits) {
      for (const newer of visit.newer) {
        const other = this.visits.get(newer)?.circle;
        if (other !== undefined && other !== circle) reached.add(other);
      }
    }
    for (const other of reached) {
      for (let word = 0; word < circle.beyond.length; word += 1) {
        circle.beyond[word] = (circle.beyond[word] ?? 0) | (other.members[word] ?? 0) | (other.beyond[word] ?? 0);
      }
    }
  }

  private emptyCircle(): Circle {
    const words = Math.ceil(this.present.length / 32);
    return { members: new Uint32Array(words), beyond: new Uint32Array(words) };
  }
}
