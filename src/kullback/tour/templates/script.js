// The sliders: one state, shown by every slider of a variable, and the figures drawn from it.
"use strict";

const state = {};

/** The value of a slider's position, and its text. */
const variables = {
  p: { value: (i) => i / 100, text: (p) => p.toFixed(2) },
  q: { value: (i) => i / 100, text: (q) => q.toFixed(2) },
  draws: { value: (i) => i, text: (i) => grouped(numbers.simulated.draws[i]) },
  m: { value: (i) => i, text: (i) => grouped(i + 1) },
  theta: {
    value: gridTheta,
    text: thetaText,
  },
  newton: { value: (i) => i, text: (i) => String(i) },
};

/** The figures that depend on a variable. */
const drawnIn = {
  p: ["coin", "coins"],
  q: ["coins"],
  draws: ["simulated"],
  m: ["product"],
  theta: ["product", "tops", "fitted", "valley"],
  newton: ["descent", "predicted"],
};

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

function show(place, texts) {
  const figure = place.closest("figure");
  for (const [name, text] of Object.entries(texts)) {
    all(`[data-number="${name}"]`, figure).forEach((node) => (node.textContent = text));
  }
}

/** Three numbers that add up, and the two bars of one length above them. */
function identity(name, { entropy, relative, cross }, whole) {
  const block = document.querySelector(`[data-identity="${name}"]`);
  const texts = relative === null ? ["–", "–", fixed(cross, 4)] : adding(entropy, relative, cross);
  ["entropy", "relative", "cross"].forEach((kind, i) => {
    block.querySelector(`[data-number="${kind}"]`).textContent = texts[i];
  });
  // a differential entropy can be negative, and a bar cannot
  const drawn = relative !== null && entropy >= 0 && cross >= 0 && relative >= 0;
  block.querySelector(".bars").hidden = !drawn;
  if (!drawn) return;
  const share = (value) => `${Math.min(100, (100 * value) / whole)}%`;
  block.querySelector(".is-entropy").style.width = share(entropy);
  block.querySelector(".is-relative").style.width = `calc(${share(cross)} - ${share(entropy)})`;
  block.querySelector(".is-cross").style.width = share(cross);
  all(".part", block).forEach((part) => {
    // a name that does not fit is left out: it is repeated below
    part.firstElementChild.hidden = false;
    part.firstElementChild.hidden = part.scrollWidth > part.clientWidth;
  });
  all(".bar", block).forEach((bar) => bar.classList.toggle("endless", cross > whole));
}

/** Make a picture draggable sideways: dragging sets the variable that `nearest` returns. */
function draggable(plot, nearest) {
  const svg = plot.svg;
  svg.classList.add("draggable");
  svg.addEventListener("pointerdown", (event) => {
    const place = svg.parentElement;
    const at = (e) => {
      const box = place.getBoundingClientRect();
      return Math.min(1, Math.max(0, plot.fromX(e.clientX - box.left)));
    };
    const [name] = nearest(at(event));
    const move = (e) => set(name, Math.round(100 * at(e)));
    const stop = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
    };
    // on the window, because the picture is redrawn at each move
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
    move(event);
    event.preventDefault();
  });
}

/** Set a variable to a slider's position, or to a value between two positions. */
function set(name, place, value = variables[name].value(place)) {
  state[name] = value;
  const text = variables[name].text(value);
  all(`input[data-variable="${name}"]`).forEach((input) => {
    input.value = place;
    input.setAttribute("aria-valuetext", text);
  });
  all(`[data-value="${name}"]`).forEach((output) => (output.textContent = text));
  draw(drawnIn[name]);
}

function draw(names) {
  if (Object.keys(variables).some((name) => !(name in state))) return; // not all are set yet
  for (const name of names) figures[name](document.querySelector(`[data-figure="${name}"]`), state);
}

for (const name of Object.keys(variables)) {
  const inputs = all(`input[data-variable="${name}"]`);
  inputs.forEach((input) => input.addEventListener("input", () => set(name, Number(input.value))));
  set(name, Number(inputs[0].value));
}

all('[data-action="estimate"]').forEach((button) =>
  button.addEventListener("click", () => {
    set("theta", Math.round(question.estimate / question.step) - question.first, question.estimate);
  }),
);

// a figure is as wide as its element: redraw it when that changes
let width = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === width) return; // a phone's bars appear and disappear
  width = document.documentElement.clientWidth;
  draw(Object.keys(figures));
});
draw(Object.keys(figures));
