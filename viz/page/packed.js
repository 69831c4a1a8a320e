/* What the page shows, as it comes: JSON, or, where that is large, packed. */

const PLAIN = "application/json";

/** Read the data of the page from its element. */
export async function dataOf({ type, textContent }) {
  if (type === PLAIN) return JSON.parse(textContent);
  const signs = atob(textContent);
  const bytes = new Uint8Array(signs.length);
  for (let at = 0; at < signs.length; at++) bytes[at] = signs.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}
