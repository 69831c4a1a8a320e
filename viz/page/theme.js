/* Light or dark: as the system has it, until the switch is turned. */

const THEMES = ["auto", "light", "dark"];

/** Make the switch work; changed() is told. */
export function themeSwitch(button, changed) {
  const { dataset } = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", changed);
  button.addEventListener("click", () => {
    dataset.theme = THEMES[(THEMES.indexOf(dataset.theme) + 1) % THEMES.length];
    button.textContent = `Theme: ${dataset.theme}`;
    changed();
  });
  /* The one that is seen. */
  return () => (dataset.theme === "auto" ? (dark.matches ? "dark" : "light") : dataset.theme);
}
