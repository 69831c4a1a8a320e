/* Light or dark: as the system has it, until the switch is turned. */

const THEMES = ["auto", "light", "dark"];

/** Make the switch work; changed() is told. Return what says which one is seen. */
export function themeSwitch(button, changed) {
  const { dataset } = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", changed);
  button.addEventListener("click", () => {
    dataset.theme = THEMES[(THEMES.indexOf(dataset.theme) + 1) % THEMES.length];
    button.textContent = `Theme: ${dataset.theme}`;
    changed();
  });
  const seen = () => (dataset.theme === "auto" ? (dark.matches ? "dark" : "light") : dataset.theme);
  let own = null; // while it is printed, which is on white
  window.addEventListener("beforeprint", () => {
    if (seen() === "light") return;
    own = dataset.theme;
    dataset.theme = "light";
    changed();
  });
  window.addEventListener("afterprint", () => {
    if (own === null) return;
    dataset.theme = own;
    own = null;
    changed();
  });
  return seen;
}
