// The sliders: one state, which every slider of a variable shows, and what is drawn from it.
"use strict";

const state = {};

/** What a slider's place stands for, and how it is written. */
const variables = {
  p: { value: (i) => i / 100, words: (p) => p.toFixed(2) },
  q: { value: (i) => i / 100, words: (q) => q.toFixed(2) },
  draws: { value: (i) => i, words: (i) => grouped(numbers.simulated.draws[i]) },
  m: { value: (i) => i, words: (i) => grouped(i + 1) },
  theta: {
    value: gridTheta,
    words: thetaWords,
  },
  newton: { value: (i) => i, words: (i) => String(i) },
};

/** Which figures a variable is drawn in. */
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
    // a name that does not fit is left out: it stands below, too
    part.firstElementChild.hidden = false;
    part.firstElementChild.hidden = part.scrollWidth > part.clientWidth;
  });
  all(".bar", block).forEach((bar) => bar.classList.toggle("endless", cross > whole));
}

/** Let a picture be dragged sideways: it moves the variable that `nearest` names. */
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
    // on the window, because the picture is drawn anew at each move
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
    move(event);
    event.preventDefault();
  });
}

/** Move a variable to a slider's place, or to a value between two places. */
function set(name, place, value = variables[name].value(place)) {
  state[name] = value;
  const words = variables[name].words(value);
  all(`input[data-variable="${name}"]`).forEach((input) => {
    input.value = place;
    input.setAttribute("aria-valuetext", words);
  });
  all(`[data-value="${name}"]`).forEach((output) => (output.textContent = words));
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

// a figure is as wide as its place: draw it again when that changes
let width = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === width) return; // a phone's bars come and go
  width = document.documentElement.clientWidth;
  draw(Object.keys(figures));
});
draw(Object.keys(figures));
