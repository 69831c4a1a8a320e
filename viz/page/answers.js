/* Exercises: what a typed number means, and which mistake gives it. Nothing here touches the document. */

const CLOSE = 5e-3; // of the right number: people round
const TINY = Number.MIN_VALUE;

/** Read a number or a short calculation, `−0.5`, `3/4`, `7*3 + 2`; NaN for anything else. */
export function readNumber(text) {
  const plain = text.trim().replaceAll("−", "-").replaceAll("×", "*").replaceAll("·", "*").replaceAll(",", ".");
  const tokens = plain.match(/\d*\.?\d+(?:e[+-]?\d+)?|\d+\.|[-+*/()]/gi) ?? [];
  if (!tokens.length || tokens.join("") !== plain.replaceAll(" ", "")) return NaN;
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
    if (token !== "(") return Number(token ?? NaN);
    const inside = sum();
    return tokens[at++] === ")" ? inside : NaN;
  }
  const value = sum();
  return at === tokens.length ? value : NaN;
}

/** Whether an answer is a number, up to rounding. */
function isClose(given, number) {
  return Math.abs(given - number) <= CLOSE * Math.abs(number) + TINY;
}

/** Judge an answer: {right}, or {right: false, text} with the mistake that gives it; what is nearer to a mistake is not right. */
export function judge(exercise, text) {
  const given = readNumber(text);
  if (Number.isNaN(given)) return { right: false, isNumber: false, text: "That is no number: write 0.5, −3 or 7 × 3." };
  const distance = ({ number }) => Math.abs(given - number);
  const [made] = exercise.mistakes.filter(({ number }) => isClose(given, number)).sort((first, second) => distance(first) - distance(second));
  const off = Math.abs(given - exercise.answer);
  if (isClose(given, exercise.answer) && !(made && distance(made) <= off)) return { right: true, isNumber: true, text: "Right." };
  if (!made) return { right: false, isNumber: true, text: "No, and none of the usual mistakes gives it." };
  const working = made.made ? `: ${made.made}` : "";
  const other = made.or ? `; or ${made.or}` : "";
  return { right: false, isNumber: true, kind: made.kind, text: `No: ${made.text}${working}${other}.` };
}
