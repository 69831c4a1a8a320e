/* The controls of the backward pass: buttons, slider, play and the line that says what happened. */

import { byId } from "./dom.js";

const SLOWEST = 1100;
const FASTEST = 120;
const WHOLE = 60_000; // milliseconds that a long pass takes

/** Make the controls work; `show(step)` is called at every step. */
export function player(pass, show) {
  const [slider, count, status, play, speed] = ["slider", "count", "status", "play", "speed"].map(byId);
  const root = document.documentElement;
  let step = pass.length;
  let timer = 0;

  function go(to) {
    step = Math.min(pass.length, Math.max(0, to));
    slider.max = pass.length;
    slider.value = step;
    count.value = `${step} / ${pass.length}`;
    const told = pass.told(step);
    slider.setAttribute("aria-valuetext", `step ${step} of ${pass.length}`);
    status.textContent = told;
    for (const [id, isEnd] of [["first", step === 0], ["back", step === 0], ["next", step === pass.length], ["last", step === pass.length]]) {
      byId(id).setAttribute("aria-disabled", String(isEnd));
    }
    show(step);
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-label", "Play");
    root.classList.remove("is-playing");
  }

  function toggle() {
    if (timer) return stop();
    if (!pass.length) return;
    if (step === pass.length) go(0);
    play.setAttribute("aria-label", "Pause");
    root.classList.add("is-playing");
    run();
  }

  function run() {
    const interval = Math.min(SLOWEST, Math.max(FASTEST, WHOLE / pass.length));
    timer = setInterval(() => {
      go(step + 1);
      if (step === pass.length) stop();
    }, interval / Number(speed.value));
  }

  const by = (change) => () => {
    stop();
    go(step + change);
  };
  const actions = { first: by(-Infinity), back: by(-1), next: by(1), last: by(Infinity), play: toggle };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  speed.addEventListener("change", () => {
    if (!timer) return;
    clearInterval(timer);
    run();
  });
  slider.addEventListener("input", () => {
    stop();
    go(Number(slider.value));
  });
  return { ...actions, go, stop, step: () => step };
}
