// The linter of viz/page: everything that ESLint recommends, and what keeps a page safe.

import js from "@eslint/js";

const BROWSER = ["atob", "Blob", "cancelAnimationFrame", "clearInterval", "clearTimeout", "DecompressionStream", "document", "DOMParser", "Event", "getComputedStyle", "matchMedia", "Path2D", "performance", "requestAnimationFrame", "ResizeObserver", "Response", "setInterval", "setTimeout", "window"];
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write"];

export default [
  js.configs.recommended,
  {
    files: ["viz/page/**/*.js", "tests/page/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])) },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", ...MARKUP.map((property) => ({ property, message: "text goes in as text: textContent, or el()" }))],
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
      "max-lines": ["error", 300],
    },
  },
];
