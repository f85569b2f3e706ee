// The controls: one state, shown by every control of a variable, and the figures drawn from it.
"use strict";

const state = { four: [0.25, 0.25, 0.25, 0.25] };

/** The value of a slider's position, and its text. */
const variables = {
  x: { value: (i) => i / 100, text: (x) => x.toFixed(2) },
  p: { value: (i) => i / 100, text: (p) => p.toFixed(2) },
  q: { value: (i) => i / 100, text: (q) => q.toFixed(2) },
  draws: { value: (i) => i, text: (i) => grouped(numbers.simulated.draws[i]) },
  m: { value: (i) => i, text: (i) => grouped(i + 1) },
  theta: { value: gridTheta, text: thetaText },
  step: { value: (i) => STEPS[i], text: grouped },
};

/** The figures that depend on a variable. */
const drawnIn = {
  x: ["limit"],
  p: ["coin", "coins"],
  q: ["coins"],
  draws: ["simulated"],
  m: ["product"],
  theta: ["product", "tops", "fitted", "valley"],
  step: ["descent", "predicted"],
};

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function show(place, texts) {
  const figure = place.closest("figure");
  for (const [name, text] of Object.entries(texts)) {
    all(`[data-number="${name}"]`, figure).forEach((node) => (node.textContent = text));
  }
}

/** Three numbers in nats that add up, and the two bars of one length above them. */
function identity(name, { entropy, relative, cross }, whole) {
  const block = document.querySelector(`[data-identity="${name}"]`);
  const known = entropy !== null;
  const texts = known
    ? adding(...[entropy, relative, cross].map(inUnit))
    : ["unknown", "unknown", decimal(cross, 4)];
  ["entropy", "relative", "cross"].forEach((kind, i) => {
    block.querySelector(`[data-number="${kind}"]`).textContent = texts[i];
  });
  // a differential entropy can be negative, and a bar cannot
  const drawn = known && entropy >= 0 && cross >= 0 && relative >= 0;
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

// ---- setting variables ---------------------------------------------------------------------------

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

/** Set one of four probabilities; the others keep their proportions. */
function setShare(changed, q) {
  const rest = (1 - q) / (1 - state.four[changed]);
  setFour(state.four.map((other, i) => (i === changed ? q : other * rest)));
}

function setFour(four) {
  state.four = four;
  all("input[data-share]").forEach((input, i) => {
    input.value = Math.round(100 * four[i]);
    const text = four[i].toFixed(3);
    input.setAttribute("aria-valuetext", text);
    input.parentElement.querySelector("output").textContent = text;
  });
  draw(["areas"]);
}

function draw(names) {
  if (Object.keys(variables).some((name) => !(name in state))) return; // not all are set yet
  for (const name of names) figures[name](document.querySelector(`[data-figure="${name}"]`), state);
}

/**
 * Make a picture draggable: `move` receives the place of the pointer in the picture's numbers, and
 * whether it is the first of a drag; `both` where it can be dragged up and down too.
 */
function draggable(plot, move, both = false) {
  const svg = plot.svg;
  svg.classList.add("draggable");
  if (both) svg.classList.add("both");
  svg.addEventListener("pointerdown", (event) => {
    halt();
    const place = svg.parentElement;
    const at = (e, first) => {
      const box = place.getBoundingClientRect();
      move(plot.fromX(e.clientX - box.left), plot.fromY(e.clientY - box.top), first);
    };
    const drag = (e) => at(e, false);
    const stop = () => {
      window.removeEventListener("pointermove", drag);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
    };
    // on the window, because the picture is redrawn at each move
    window.addEventListener("pointermove", drag);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
    at(event, true);
    event.preventDefault();
  });
}

// ---- playing -------------------------------------------------------------------------------------

const SECONDS = 5; // from a slider's one end to the other

let playing = null; // the button, the frame that is requested, and the text of the button at rest

function halt() {
  if (!playing) return;
  cancelAnimationFrame(playing.frame);
  playing.button.textContent = playing.text;
  playing.button.setAttribute("aria-pressed", "false");
  playing = null;
}

/** Begin to play: `next` draws a frame after so many seconds, and returns whether to go on. */
function play(button, next) {
  halt();
  playing = { button, text: button.textContent };
  button.textContent = "❚❚ pause";
  button.setAttribute("aria-pressed", "true");
  let start = null;
  const frame = (now) => {
    start ??= now;
    if (next((now - start) / 1000)) playing.frame = requestAnimationFrame(frame);
    else halt();
  };
  playing.frame = requestAnimationFrame(frame);
}

/** Move a slider to its end, from its start where it is there already. */
function slide(name) {
  const input = document.querySelector(`input[data-variable="${name}"]`);
  const last = Number(input.max);
  const from = Number(input.value) < last ? Number(input.value) : 0;
  return (seconds) => {
    const place = Math.min(last, Math.round(from + (last * seconds) / SECONDS));
    set(name, place);
    return place < last;
  };
}

/** Run the descent of θ, ten steps a second, from the first guess where it is at its end already. */
function roll() {
  if (descended(state.theta) === null) set("theta", placeOf(question.guess));
  let done = 0;
  return (seconds) => {
    for (; done < 10 * seconds; done++) {
      const theta = descended(state.theta);
      if (theta === null) {
        set("theta", placeOf(question.estimate), question.estimate);
        return false;
      }
      set("theta", placeOf(theta), theta);
    }
    return true;
  };
}

// ---- the page's controls ---------------------------------------------------------------------------

document.querySelector('input[data-variable="step"]').max = STEPS.length - 1;

for (const name of Object.keys(variables)) {
  const inputs = all(`input[data-variable="${name}"]`);
  inputs.forEach((input) =>
    input.addEventListener("input", () => {
      halt();
      set(name, Number(input.value));
    }),
  );
  set(name, Number(inputs[0].value));
}

all("input[data-share]").forEach((input, i) => {
  input.addEventListener("input", () => setShare(i, Number(input.value) / 100));
});

const actions = {
  estimate: () => set("theta", placeOf(question.estimate), question.estimate),
  best: () => setFour([...numbers.four]),
  sample: () => {
    drawSample();
    set("draws", 0);
  },
};
all("[data-action]").forEach((button) =>
  button.addEventListener("click", () => {
    halt();
    actions[button.dataset.action]();
  }),
);

all("[data-play]").forEach((button) =>
  button.addEventListener("click", () => {
    if (playing && playing.button === button) return halt();
    const name = button.dataset.play;
    play(button, name === "theta" ? roll() : slide(name));
  }),
);

all("select[data-choice]").forEach((select) => {
  const name = select.dataset.choice;
  select.addEventListener("change", () => choose(name, name === "activation" ? select.value : Number(select.value)));
});

function measure(name) {
  unit.name = name;
  unit.nats = name === "bits" ? LOG_TWO : 1;
  all("[data-unit-name]").forEach((node) => (node.textContent = name));
  all("[data-in]").forEach((node) => (node.hidden = node.dataset.in !== name));
  draw(Object.keys(figures));
}
all('input[name="unit"]').forEach((input) => {
  if (input.defaultChecked) input.checked = true; // browsers keep the last choice
  input.addEventListener("change", () => measure(input.value));
});

// a figure is as wide as its element: redraw it when that changes
let width = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === width) return; // a phone's bars appear and disappear
  width = document.documentElement.clientWidth;
  draw(Object.keys(figures));
});
setFour(state.four);
measure(document.querySelector('input[name="unit"]:checked').value);
