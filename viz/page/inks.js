/* What a canvas draws with: the colours that the style sheet gives to an SVG of the same classes, in the theme of now. */

import { svgEl } from "./dom.js";

const VARIABLES = ["paper", "ink", "quiet", "accent", "soft", "now", "faint"];

/** Read colours, widths and fonts for the styles and roles of a picture. */
export function inksOf(element, { styles, roles }) {
  const samples = styles.map(([kinds, tag]) => svgEl("g", { class: kinds }, svgEl(tag)));
  const spans = roles.map(([role]) => svgEl("tspan", { class: role }));
  const named = VARIABLES.map(() => svgEl("tspan"));
  named.forEach((span, at) => span.style.setProperty("fill", `var(--${VARIABLES[at]})`)); // as its theme has it
  const probe = svgEl("svg", { width: 0, height: 0, "aria-hidden": "true" }, samples, svgEl("text", {}, spans, named));
  element.append(probe);
  const family = getComputedStyle(probe.lastChild).fontFamily;
  const found = {
    family,
    styles: styles.map(([kinds, tag, width, dashes], at) => {
      const { fill, stroke } = getComputedStyle(samples[at].firstChild);
      return { tag, fill, stroke, width, dashes, alpha: Number(getComputedStyle(samples[at]).opacity), shape: kinds.split(" ")[0] };
    }),
    roles: roles.map(([role, size, isBold], at) => ({ role, size, weight: isBold ? "bold" : "normal", fill: getComputedStyle(spans[at]).fill })),
    ...Object.fromEntries(VARIABLES.map((name, at) => [name, getComputedStyle(named[at]).fill])),
  };
  probe.remove();
  return found;
}
