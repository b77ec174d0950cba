import { decodeCdata, decodeText } from './decode.ts';
import { MarkupError } from './markup-error.ts';
import { compilePlans, type ElementPlans, type PlanNode, type TreePlan } from './plan.ts';
import { CDATA, MAX_DEPTH, PLAIN, type TextKind, type TokenHandler, Tokenizer } from './tokenizer.ts';

/** Text of one wanted element, or between two tags of a tree, in UTF-16 units. */
const MAX_TEXT_CHARACTERS = 1 << 20;

/** Calls what a plan wants as the tokenizer meets it. */
export class PlanRun<State> implements TokenHandler {
  readonly tokenizer: Tokenizer;
  wantsText = false;
  #state: State | undefined;
  /** By depth, the document itself at 0. Below an element that is skipped or a tree they mean nothing. */
  readonly #nodes: PlanNode<State>[];
  /** By depth: own text so far of an element whose text is wanted. */
  readonly #texts: string[] = new Array<string>(MAX_DEPTH + 1).fill('');
  /** Depth of the innermost open element that is not skipped. */
  #depth = 0;
  /** Depth of the element that is skipped; 0: none is. It may be in a tree. */
  #skipping = 0;
  /** Depth of the element whose tree is reported; 0: none. */
  #treeAt = 0;
  /** Text since the last tag of the tree. */
  #treeText = '';

  constructor(whole: boolean, plans: ElementPlans<State>) {
    this.tokenizer = new Tokenizer(this, whole);
    const top = compilePlans(plans, this.tokenizer.names);
    this.#nodes = new Array<PlanNode<State>>(MAX_DEPTH + 1).fill(top);
  }

  /** Another document follows. */
  reset(state: State): void {
    this.#state = state;
    this.#depth = 0;
    this.#skipping = 0;
    this.#treeAt = 0;
    this.#treeText = '';
    this.wantsText = false;
  }

  start(name: number, depth: number): boolean {
    if (this.#skipping !== 0) return false;
    if (this.#treeAt !== 0) return this.#startInTree(name, depth);
    const parent = this.#nodes[depth - 1] as PlanNode<State>;
    const node = name < parent.children.length ? parent.children[name] : undefined;
    if (node === undefined) {
      parent.otherChild?.(this.#state as State, this.tokenizer.names.textOf(name));
      this.#skip(depth);
      return false;
    }
    this.#nodes[depth] = node;
    if (node.open !== undefined) {
      const answer = node.open(this.#state as State, this.tokenizer.attributes);
      if (answer === 'stop') return true;
      if (answer === 'skip') {
        this.#skip(depth);
        return false;
      }
    }
    this.#depth = depth;
    this.wantsText = node.text !== undefined;
    if (this.wantsText) this.#texts[depth] = '';
    if (node.tree !== undefined) {
      this.#treeAt = depth;
      this.wantsText ||= node.tree.text !== undefined;
    }
    return false;
  }

  end(name: number, depth: number): void {
    if (this.#skipping !== 0) {
      if (depth !== this.#skipping) return;
      this.#skipping = 0;
      if (this.#treeAt !== 0) this.#endInTree(name, depth);
      else this.#goBack(depth);
      return;
    }
    if (this.#treeAt !== 0) {
      this.#reportTreeText();
      if (depth !== this.#treeAt) {
        this.#endInTree(name, depth);
        return;
      }
      this.#treeAt = 0;
    }
    const node = this.#nodes[depth] as PlanNode<State>;
    if (node.text !== undefined) node.text(this.#state as State, this.#texts[depth] as string);
    this.#goBack(depth);
  }

  text(start: number, end: number, kind: TextKind): void {
    const { buffer } = this.tokenizer;
    const text =
      kind === PLAIN
        ? buffer.toString('latin1', start, end)
        : kind === CDATA
          ? decodeCdata(buffer, start, end)
          : decodeText(buffer, start, end);
    if (this.#treeAt !== 0) {
      this.#treeText += text;
      if (this.#treeText.length > MAX_TEXT_CHARACTERS) throw this.#tooLong();
      if (this.#depth !== this.#treeAt) return;
    }
    const own = (this.#texts[this.#depth] as string) + text;
    if (own.length > MAX_TEXT_CHARACTERS) throw this.#tooLong();
    this.#texts[this.#depth] = own;
  }

  #startInTree(name: number, depth: number): boolean {
    this.#reportTreeText();
    const { names, attributes } = this.tokenizer;
    const answer = this.#tree.open(this.#state as State, names.textOf(name), attributes);
    if (answer === 'stop') return true;
    if (answer === 'skip') this.#skip(depth);
    else this.#depth = depth;
    return false;
  }

  #endInTree(name: number, depth: number): void {
    const tree = this.#tree;
    tree.close(this.#state as State, this.tokenizer.names.textOf(name));
    this.#depth = depth - 1;
    this.wantsText = tree.text !== undefined || this.#nodes[this.#treeAt]?.text !== undefined;
  }

  #reportTreeText(): void {
    if (this.#treeText === '') return;
    const text = this.#treeText;
    this.#treeText = '';
    this.#tree.text?.(this.#state as State, text);
  }

  get #tree(): TreePlan<State> {
    return (this.#nodes[this.#treeAt] as PlanNode<State>).tree as TreePlan<State>;
  }

  #skip(depth: number): void {
    this.#skipping = depth;
    this.wantsText = false;
  }

  /** To the parent, which is planned. */
  #goBack(depth: number): void {
    this.#depth = depth - 1;
    this.wantsText = (this.#nodes[depth - 1] as PlanNode<State>).text !== undefined;
  }

  #tooLong(): MarkupError {
    return new MarkupError(this.tokenizer.position, `a text has more than ${MAX_TEXT_CHARACTERS} characters`);
  }
}
