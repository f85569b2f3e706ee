// Step eight: a network of a few layers, trained on the page by the code of the library's step.
"use strict";

const { features, rows: people, groups } = numbers.network;
const everybody = people.reduce((sum, [a, b]) => sum + a + b, 0);
const weight = people.map(([a, b]) => (a + b) / everybody);
const labels = people.map(([a, b]) => [a / (a + b), b / (a + b)]);

/** Of each activation its value, and its slope as a function of the value. */
const ACTIVATIONS = {
  tanh: [Math.tanh, (a) => 1 - a * a],
  relu: [(s) => Math.max(s, 0), (a) => (a > 0 ? 1 : 0)],
  logistic: [(s) => 1 / (1 + Math.exp(-s)), (a) => a * (1 - a)],
};

/** Rows times a matrix, plus a bias. */
const affine = (rows, { W, b }) =>
  rows.map((row) => b.map((start, j) => row.reduce((sum, x, i) => sum + x * W[i][j], 0) + start));

/** The values of every layer, and the logarithm of softmax. */
function forward(network, activation) {
  const layers = [features];
  for (const layer of network.slice(0, -1)) {
    layers.push(affine(layers[layers.length - 1], layer).map((row) => row.map(activation)));
  }
  const logs = affine(layers[layers.length - 1], network[network.length - 1]).map((z) => {
    const top = Math.max(...z);
    const total = Math.log(z.reduce((sum, one) => sum + Math.exp(one - top), 0));
    return z.map((one) => one - top - total);
  });
  return [layers, logs];
}

/** One step against the gradient of the loss. */
function descend(network, [layers, logs], slope, rate) {
  let signal = logs.map((row, r) => row.map((log, k) => weight[r] * (Math.exp(log) - labels[r][k])));
  const changed = [];
  for (let l = network.length - 1; l >= 0; l--) {
    const { W, b } = network[l];
    const below = layers[l];
    const back = below.map((row, r) => row.map((a, i) => signal[r].reduce((sum, s, j) => sum + s * W[i][j], 0) * slope(a)));
    changed.unshift({
      W: W.map((line, i) => line.map((w, j) => w - rate * below.reduce((sum, row, r) => sum + row[i] * signal[r][j], 0))),
      b: b.map((start, j) => start - rate * signal.reduce((sum, s) => sum + s[j], 0)),
    });
    signal = back;
  }
  return changed;
}

/** The losses of a training, step by step, and the probability of survival of each group. */
function training({ depth, activation, rate }) {
  const [value, slope] = ACTIVATIONS[activation];
  let network = numbers.network.weights[depth].map(([W, b]) => ({ W, b }));
  const losses = [];
  const survival = [];
  for (let step = 0; step <= numbers.network.steps; step++) {
    const pass = forward(network, value);
    losses.push(pass[1].reduce((sum, row, r) => sum - weight[r] * row.reduce((part, log, k) => part + labels[r][k] * log, 0), 0));
    survival.push(pass[1].map((row) => Math.exp(row[1])));
    network = descend(network, pass, slope, rate);
  }
  return { losses, survival };
}

/** The steps that the slider shows: every one at first, then ever fewer. */
const STEPS = [...new Set(Array.from({ length: 80 }, (_, i) => Math.round((numbers.network.steps + 1) ** (i / 79)) - 1))];

const chosen = { ...numbers.network.chosen };
let trained = training(chosen);

Object.assign(figures, {
  descent(place, { step }) {
    const { baseline, entropy } = numbers.network;
    const { losses } = trained;
    const low = entropy - 0.05;
    const plot = new Plot(place, { height: 270, x: [1, losses.length], y: [low, 0.85], left: 46, log: true });
    const shown = STEPS.map((i) => (losses[i] <= 0.85 ? losses[i] : NaN));
    const at = STEPS.map((i) => i + 1);
    const last = STEPS.indexOf(step);
    plot.area([1, losses.length], [low, low], [entropy, entropy], "entropy");
    plot.area(at.slice(0, last + 1), at.slice(0, last + 1).map(() => entropy), shown.slice(0, last + 1), "relative");
    plot.axes([0, 10, 100, 1000].map((i) => [i + 1, i === 0 ? "step 0" : grouped(i)]), ticks(inUnit(low), inUnit(0.85), 3).map(([v, text]) => [v * unit.nats, text]));
    plot.segment(1, baseline, losses.length, baseline, "guide");
    plot.label(plot.box.right, plot.y(baseline), "baseline (class shares), H(Y)", { anchor: "end", dy: -8 });
    plot.segment(1, entropy, losses.length, entropy, "line entropy thin");
    plot.label(plot.box.left, plot.y(entropy), "H(Y | X)", { dx: 10, dy: 19, kind: "entropy" });
    plot.line(at, shown, "line thin lost");
    plot.line(at.slice(0, last + 1), shown.slice(0, last + 1), "line cross");
    const loss = losses[step];
    plot.dot(step + 1, Math.min(loss, 0.85), "dot cross");
    const relative = loss - entropy;
    identity("trained", { entropy, relative: Number.isFinite(loss) ? relative : Infinity, cross: Number.isFinite(loss) ? loss : Infinity }, 0.8);
    show(place, { baseline: decimal(baseline, 4) });
    const nearest = (x) => at.reduce((best, n, i) => (Math.abs(Math.log(n / x)) < Math.abs(Math.log(at[best] / x)) ? i : best), 0);
    draggable(plot, (x) => set("step", nearest(x)));
  },

  predicted(place, { step }) {
    const line = 21;
    const plot = new Plot(place, { height: 30 + line * groups.length + 26, x: [0, 1], y: [groups.length, 0], left: 124, top: 30, right: 46 });
    plot.axes([[0, "0"], [0.5, "share who survived"], [1, "1"]], []);
    plot.label(plot.box.right - 12, 16, narrow(plot) ? "bar: data; dot: network" : "bar: share in the data; dot: the network’s q", { anchor: "end" });
    plot.label(plot.width, 16, "people", { anchor: "end" });
    groups.forEach((name, r) => {
      const y = plot.y(r + 0.5);
      plot.add("rect", { class: "data", x: plot.x(0), width: plot.x(labels[r][1]) - plot.x(0), y: y - 7, height: 14 });
      plot.label(plot.box.left, y, name, { anchor: "end", dx: -8, dy: 4.5 });
      plot.label(plot.box.right, y, grouped(people[r][0] + people[r][1]), { dx: 8, dy: 4.5 });
      plot.dot(trained.survival[step][r], r + 0.5, "dot cross", 5);
    });
  },
});

/** Train again when something else is chosen. */
function choose(name, value) {
  chosen[name] = value;
  trained = training(chosen);
  draw(drawnIn.step);
}
