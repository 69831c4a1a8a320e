/* Practice: the gradients are hidden, and the reader fills them in, in the order of the backward pass. */

import { judge } from "./answers.js";
import { el } from "./dom.js";
import { edgeRef } from "./graph.js";
import { nameOf, numbersOf } from "./turns.js";

const UNFAIR = "no question about them is fair, such as of an array that no product of items gives";

/** Hold what was answered; handlers: look(ref) as the reader comes to an exercise, changed() as what is shown changes. */
export class Practice {
  constructor(graph, handlers) {
    this.graph = graph;
    this.handlers = handlers;
    this.restart();
  }

  /** Begin anew, with the exercises of the view that the graph shows. */
  restart() {
    this.exercises = this.graph.view.practice;
    this.states = this.exercises.map(() => ({ tries: 0, isRight: false, isShown: false }));
    this.turn = null; // of a loop, the one that is asked for
  }

  /** What is still hidden: each gradient that is to be filled in, with the nodes that show it. */
  hidden() {
    return this.#open().flatMap((edge) => this.graph.shownWith(edge));
  }

  /** What stands in the picture: question marks, and of the turn that is asked for what is known of it. */
  notes() {
    const known = numbersOf(this.graph, this.turn).gradients;
    return new Map([...known, ...this.hidden().map((ref) => [ref, "?"])]);
  }

  /** Bring the reader to the exercise at a place of the picture. */
  focus(ref) {
    this.inputs.get(ref)?.focus();
  }

  #open() {
    return this.exercises.filter((_, at) => !this.#isKnown(at)).map(({ edge }) => edge);
  }

  score() {
    const right = this.states.filter(({ isRight }) => isRight).length;
    const first = this.states.filter(({ isRight, tries }) => isRight && tries === 1).length;
    return { right, first, of: this.exercises.length };
  }

  #isKnown(at) {
    return this.states[at].isRight || this.states[at].isShown;
  }

  /** The pane: a line for each exercise. */
  pane() {
    this.inputs = new Map(); // by reference of what shows the gradient
    const title = el("h2", {}, "Practice");
    if (!this.exercises.length) return [title, el("p", {}, `There is nothing to fill in: ${this.graph.view.order.length ? UNFAIR : "there are no gradients"}.`)];
    const score = el("p", { class: "score", role: "status" });
    const tell = () => {
      const { right, first, of } = this.score();
      score.textContent = `${right} of ${of} right${right ? `, ${first} at the first try` : ""}`;
    };
    tell();
    const list = el("ol", { class: "exercises" }, this.exercises.map((_, at) => this.#line(at, tell)));
    const again = () => {
      this.restart();
      this.handlers.changed();
      this.handlers.redraw();
    };
    const intro = "Go back from the output and fill in each gradient: upstream × local at an operation, the sum at a splitter.";
    return [title, el("p", { class: "quiet" }, intro), score, list, el("button", { type: "button", click: again }, "Begin again"), this.#unasked()];
  }

  #unasked() {
    const [unfair, rest] = this.graph.view.unasked;
    const told = [unfair ? `${count(unfair, "gradient")} not asked for: ${UNFAIR}.` : "", rest ? `${count(rest, "more gradient")} not asked for: there are too many.` : ""];
    return told.filter(Boolean).map((text) => el("p", { class: "quiet" }, text));
  }

  #line(at, tell) {
    const { graph } = this;
    const exercise = this.exercises[at];
    const edge = graph.edges[exercise.edge];
    const state = this.states[at];
    const to = graph.nodes[edge.to];
    const isSum = to.kind === "splitter";
    const from = `${graph.valueName(edge.from)}${exercise.item ? `, item ${exercise.item}` : ""}`;
    const what = isSum ? `${from}: sum of ${exercise.uses.toLocaleString("en")} uses` : `${graph.nameOf(edge.to)} → ${from}`;
    const turn = exercise.turn === undefined ? null : { loop: exercise.loop, turn: exercise.turn };
    const formula = edge.formula ?? (turn && edge.turns[turn.turn]?.formula);
    const facts = [turn && nameOf(graph, turn), !isSum && edge.operand, !isSum && formula && !isNumber(formula) && `local: ${formula}`].filter(Boolean).map((text) => el("small", {}, text));
    const given = (exercise.given ?? []).map(([name, number, of]) =>
      el("small", {}, `${name}${isSum ? ": " : " "}`, el("span", { class: of === null ? "value" : "gradient", "data-of": of === null ? null : edgeRef(of) }, number)),
    );
    const verdict = el("p", { class: "verdict", role: "status", id: `verdict-${at}` });
    const input = el("input", {
      type: "text",
      inputmode: "text",
      autocomplete: "off",
      "aria-label": `gradient, ${what}`,
      "aria-describedby": `facts-${at} verdict-${at}`,
      focus: () => {
        this.turn = turn;
        this.handlers.look(edgeRef(exercise.edge));
        this.handlers.changed();
      },
    });
    for (const ref of graph.shownWith(exercise.edge)) this.inputs.set(ref, input);
    const line = el("li", {});
    const settle = () => {
      line.className = state.isRight ? "is-right" : state.isShown ? "is-shown" : state.tries ? "is-wrong" : "";
      if (state.isRight || state.isShown) {
        input.value = exercise.shown;
        input.readOnly = true;
        buttons.hidden = true;
      }
      tell();
    };
    const check = () => {
      if (this.#isKnown(at)) return;
      const judged = judge(exercise, input.value);
      if (judged.isNumber) state.tries += 1;
      state.isRight = judged.right;
      verdict.textContent = judged.right ? `${judged.came}Right: ${exercise.working}` : judged.text;
      settle();
      if (judged.right) this.#done(line);
      else line.scrollIntoView({ block: "nearest" });
    };
    const reveal = () => {
      state.isShown = true;
      verdict.textContent = exercise.working;
      settle();
      this.#done(line);
    };
    const buttons = el(
      "span",
      { class: "buttons" },
      el("button", { type: "submit" }, "Check"),
      el("button", { type: "button", class: "plain", click: reveal }, "Show"),
    );
    const submit = (event) => {
      event.preventDefault();
      check();
    };
    line.append(el("form", { submit }, el("span", { class: "what" }, what), el("div", { class: "facts", id: `facts-${at}` }, facts, given), el("span", { class: "row" }, input, buttons), verdict));
    settle();
    return line;
  }

  #done(line) {
    this.handlers.changed();
    const next = [...line.parentElement.querySelectorAll("input")].find((input) => !input.readOnly);
    next?.focus();
  }
}

const isNumber = (formula) => Number.isFinite(Number(formula)); // it is given as such
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? " is" : "s are"}`;
