/* Exercises: what a typed number means, and which mistake gives it. Nothing here touches the document. */

const CLOSE = 5e-3; // of the right number: people round
const TINY = Number.MIN_VALUE;

/* What else a sign is written as. */
const SIGNS = [[/[−–]/g, "-"], [/[×·⋅∗x]/gi, "*"], [/÷/g, "/"], [/,/g, "."], [/\^/g, "**"], [/²/g, "**2"], [/³/g, "**3"]];

/** Read a number or a short calculation, `−0.5`, `3/4`, `7 x 3 + 2`, `1 - 0.9757**2`; NaN for anything else. */
export function readNumber(text) {
  const plain = SIGNS.reduce((written, [sign, own]) => written.replace(sign, own), text.trim());
  const tokens = plain.match(/(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\*\*|[-+*/()]/gi) ?? [];
  if (!tokens.length || tokens.join("") !== plain.replace(/\s/g, "")) return NaN;
  let at = 0;

  function sum() {
    let total = product();
    while (tokens[at] === "+" || tokens[at] === "-") total += tokens[at++] === "+" ? product() : -product();
    return total;
  }
  function product() {
    let total = factor();
    while (tokens[at] === "*" || tokens[at] === "/") total = tokens[at++] === "*" ? total * factor() : total / factor();
    return total;
  }
  function factor() {
    const token = tokens[at++];
    if (token === "-") return -factor();
    if (token === "+") return factor();
    const base = token === "(" ? inBrackets() : Number(token ?? NaN);
    if (tokens[at] !== "**") return base; // which binds more tightly than a sign before it, and to the right
    at += 1;
    return base ** factor();
  }
  function inBrackets() {
    const inside = sum();
    return tokens[at++] === ")" ? inside : NaN;
  }
  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : NaN;
}

/** What a calculation came to, in front of what is said of it; empty for a number as it is. */
function cameTo(text, value) {
  if (/^[-+−–]?[\d.,]+(?:e[-+]?\d+)?$/i.test(text.trim())) return "";
  return `= ${String(Number(value.toPrecision(4))).replaceAll("-", "−")}. `;
}

/** Whether an answer is a number, up to rounding. */
function isClose(given, number) {
  return Math.abs(given - number) <= CLOSE * Math.abs(number) + TINY;
}

/** Judge an answer: {right}, or {right: false, text} with the mistake that gives it; what is nearer to a mistake is not right.
 * `came` says what a calculation came to. */
export function judge(exercise, text) {
  const given = readNumber(text);
  if (Number.isNaN(given)) return { right: false, isNumber: false, text: "That is no number: write 0.5, −3, 7 × 3 or 1 − 0.5^2." };
  const came = cameTo(text, given);
  const distance = ({ number }) => Math.abs(given - number);
  const [made] = exercise.mistakes.filter(({ number }) => isClose(given, number)).sort((first, second) => distance(first) - distance(second));
  const off = Math.abs(given - exercise.answer);
  if (isClose(given, exercise.answer) && !(made && distance(made) <= off)) return { right: true, isNumber: true, came, text: `${came}Right.` };
  if (!made) return { right: false, isNumber: true, came, text: `${came}No, and none of the usual mistakes gives it.` };
  const working = made.made ? `: ${made.made}` : "";
  const other = made.or ? `; or ${made.or}` : "";
  return { right: false, isNumber: true, kind: made.kind, came, text: `${came}No: ${made.text}${working}${other}.` };
}
