/* Practice: the gradients are hidden, and the reader fills them in, in the order of the backward pass. */

import { judge } from "./answers.js";
import { el } from "./dom.js";
import { edgeRef } from "./graph.js";

/** Hold what was answered; handlers: look(ref) as the reader comes to an exercise, changed() as one is solved. */
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
  }

  /** What is still hidden: each gradient that is to be filled in, with the nodes that show it. */
  hidden() {
    return this.#open().flatMap((edge) => this.graph.shownWith(edge));
  }

  /** Where a question mark stands in the picture. */
  notes() {
    return new Map(this.hidden().map((ref) => [ref, "?"]));
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
    if (!this.exercises.length) {
      const why = this.graph.view.isRolled
        ? "here a node stands for many runs. To practise, open a call, or draw a part with --focus or --only."
        : "only gradients that are single numbers can be practised.";
      return [title, el("p", {}, `There is nothing to fill in: ${why}`)];
    }
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
    return [title, el("p", { class: "quiet" }, intro), score, list, el("button", { type: "button", click: again }, "Begin again")];
  }

  #line(at, tell) {
    const { graph } = this;
    const exercise = this.exercises[at];
    const edge = graph.edges[exercise.edge];
    const state = this.states[at];
    const to = graph.nodes[edge.to];
    const isSum = to.kind === "splitter";
    const what = isSum
      ? `${graph.valueName(edge.from)}: sum of ${to.sums.length} uses`
      : `${graph.nameOf(edge.to)} → ${graph.valueName(edge.from)}`;
    const formula = !isSum && edge.formula ? `local: ${edge.formula}` : "";
    const verdict = el("p", { class: "verdict", role: "status", id: `verdict-${at}` });
    const input = el("input", {
      type: "text",
      inputmode: "text",
      autocomplete: "off",
      "aria-label": `gradient, ${what}`,
      "aria-describedby": `verdict-${at}`,
      focus: () => this.handlers.look(edgeRef(exercise.edge)),
    });
    for (const ref of graph.shownWith(exercise.edge)) this.inputs.set(ref, input);
    const line = el("li", {});
    const settle = () => {
      line.className = state.isRight ? "is-right" : state.isShown ? "is-shown" : state.tries ? "is-wrong" : "";
      if (state.isRight || state.isShown) {
        input.value = edge.grad;
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
      verdict.textContent = judged.right ? `Right: ${edge.working?.split("\n")[0] ?? `Σ = ${edge.grad}`}` : judged.text;
      settle();
      if (judged.right) this.#done(line);
      else line.scrollIntoView({ block: "nearest" });
    };
    const reveal = () => {
      state.isShown = true;
      verdict.textContent = edge.working ? edge.working.split("\n")[0] : `Σ = ${edge.grad}`;
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
    line.append(el("form", { submit }, el("span", { class: "what" }, what), formula && el("small", {}, formula), el("span", { class: "row" }, input, buttons), verdict));
    settle();
    return line;
  }

  #done(line) {
    this.handlers.changed();
    const next = [...line.parentElement.querySelectorAll("input")].find((input) => !input.readOnly);
    next?.focus();
  }
}
