import type { Attributes } from './attributes.ts';
import type { NameTable } from './names.ts';

/**
 * What an `open` may answer:
 * - `'skip'`: the inside of the element is not reported. It must be well-formed all the same.
 * - `'stop'`: nothing from here on is wanted. The rest of the document is dropped unread, whatever it is, and counts as
 *   complete: neither the element's own `text` nor anything else but the document's `done` is called.
 */
type Answer = 'skip' | 'stop' | undefined;

/** Told of every element inside another one, whatever it is called: for parts whose vocabulary is open. */
export interface TreePlan<State> {
  /** Called at the start tag of a descendant. After `'skip'` the inside is left out, and `close` is still called. */
  readonly open: (state: State, name: string, attributes: Attributes) => Answer;
  /** Called at the end tag of each descendant that was opened. */
  readonly close: (state: State, name: string) => void;
  /** Called with each text between two tags inside the element, directly in it too; never with an empty one. */
  readonly text?: (state: State, text: string) => void;
}

/** What is wanted of an element. `state` is what one document is read into. */
export interface ElementPlan<State> {
  /** Called at the start tag. The attributes are valid only during the call. */
  readonly open?: (state: State, attributes: Attributes) => Answer;
  /** Called at the end tag with the element's own text (that of its children is not in it), unless it was skipped. */
  readonly text?: (state: State, text: string) => void;
  readonly children?: ElementPlans<State>;
  /** Told the name of a child that `children` does not list, before it is ignored. */
  readonly otherChild?: (state: State, name: string) => void;
  /** Told of all descendants; excludes `children` and `otherChild`. */
  readonly tree?: TreePlan<State>;
}
export type ElementPlans<State> = ReadonlyMap<string, ElementPlan<State>>;

/** Names to plans. A Map, because an element may be called `constructor`. */
export const elements = <State>(plans: Readonly<Record<string, ElementPlan<State>>>): ElementPlans<State> =>
  new Map(Object.entries(plans));

/** A plan whose children are found by the number of their name. */
export interface PlanNode<State> {
  readonly open: ElementPlan<State>['open'];
  readonly text: ElementPlan<State>['text'];
  readonly otherChild: ElementPlan<State>['otherChild'];
  readonly tree: TreePlan<State> | undefined;
  /** By number of the name, for all names that are planned anywhere. */
  children: readonly (PlanNode<State> | undefined)[];
}

/**
 * Compiles plans, which may refer to each other in circles. All their names get the first numbers of `names`.
 *
 * @returns the node of the document itself
 * @throws TypeError when a plan has a tree and children
 */
export function compilePlans<State>(plans: ElementPlans<State>, names: NameTable): PlanNode<State> {
  const nodes = new Map<ElementPlan<State>, PlanNode<State>>();
  const document: ElementPlan<State> = { children: plans };
  const visit = (plan: ElementPlan<State>): void => {
    if (nodes.has(plan)) return;
    if (plan.tree !== undefined && (plan.children ?? plan.otherChild) !== undefined) {
      throw new TypeError('a plan has a tree, so it cannot have children or otherChild');
    }
    const { open, text, otherChild, tree } = plan;
    nodes.set(plan, { open, text, otherChild, tree, children: [] });
    for (const [name, child] of plan.children ?? []) {
      names.plan(name);
      visit(child);
    }
  };
  visit(document);
  let top: PlanNode<State> | undefined;
  for (const [plan, node] of nodes) {
    const children = new Array<PlanNode<State> | undefined>(names.planned).fill(undefined);
    for (const [name, child] of plan.children ?? []) children[names.idOf(name)] = nodes.get(child);
    node.children = children;
    top ??= node;
  }
  if (top === undefined) throw new TypeError('unreachable: the document has a node');
  return top;
}
