// The figures of steps five to seven: the likelihood and the cross-entropy of a column.
"use strict";

const question = numbers.question;

const LABELS = question.levels ? question.levels.length : 0;

const factorial = [0]; // its logarithm, as far as there are counts
for (let k = 1; question.counts && k < question.counts.length; k++) {
  factorial.push(factorial[k - 1] + Math.log(k));
}

const ROOT = 0.5 * Math.log(2 * Math.PI);
const scale = question.scale;
const bell = (z) => -0.5 * z * z - Math.log(scale) - ROOT;
const squares = (theta) => 0.5 * (((question.mean - theta) / scale) ** 2 + question.variance / scale ** 2);

/** Of each family the log-density of one number, and the mean of all rows' negative ones. */
const FAMILIES = {
  Bernoulli: {
    log: (x, theta) => (x === 1 ? Math.log(theta) : Math.log1p(-theta)),
    loss: (theta) => -xlogy(question.mean, theta) - xlogy(1 - question.mean, 1 - theta),
  },
  Poisson: {
    log: (x, theta) => xlogy(x, theta) - theta - factorial[x],
    loss: (theta) => theta - xlogy(question.mean, theta) + meanFactorial,
  },
  // the first label has the probability θ, and the others share the rest
  Categorical: {
    log: (x, theta) => (x === 0 ? Math.log(theta) : Math.log((1 - theta) / (LABELS - 1))),
    loss: (theta) => -xlogy(shares[0], theta) - xlogy(1 - shares[0], (1 - theta) / (LABELS - 1)),
  },
  Exponential: {
    log: (x, theta) => Math.log(theta) - theta * x,
    loss: (theta) => theta * question.mean - Math.log(theta),
  },
  Normal: {
    log: (x, theta) => bell((x - theta) / scale),
    loss: (theta) => squares(theta) + Math.log(scale) + ROOT,
  },
  LogNormal: {
    log: (x, theta) => bell((Math.log(x) - theta) / scale) - Math.log(x),
    loss: (theta) => squares(theta) + Math.log(scale) + ROOT + question.constant,
  },
};
const shares = question.counts && question.counts.map((n) => n / question.n);
const meanFactorial = (question.counts || []).reduce((sum, n, k) => sum + n * factorial[k], 0) / question.n;
const logDensity = FAMILIES[question.family].log;
const loss = FAMILIES[question.family].loss;

const grid = Array.from({ length: question.intervals + 1 }, (_, i) => gridTheta(i));

/** The position on a slider of the θ that is nearest to a value. */
const placeOf = (theta) => clamp(Math.round(theta / question.step) - question.first, 0, question.intervals);

function gridTheta(i) {
  return Number(((question.first + i) * question.step).toPrecision(12));
}

/** θ with the digits of its slider, and more where it is the estimate. */
function thetaText(theta) {
  if (question.digits > 8) return power(theta, 3);
  return fixed(theta, Object.is(theta, question.estimate) ? question.digits + 4 : question.digits);
}

/** Entropy, relative entropy and cross-entropy of the data and the model of θ. */
function fitted(theta) {
  const cross = loss(theta);
  if (!shares) return { entropy: question.entropy, relative: question.entropy === null ? null : cross - question.entropy, cross };
  const model = shares.map((_, k) => Math.exp(logDensity(k, theta)));
  // where the model is equal to the data, rounding gives −1e-17
  const relative = cross === Infinity ? Infinity : shares.reduce((sum, p, k) => sum + (p === 0 ? 0 : p * (Math.log(p) - logDensity(k, theta))), 0);
  return { entropy: entropyOf(shares), relative, cross, model };
}

const fewSums = grid.map((theta) => question.few.reduce((sum, x) => sum + logDensity(x, theta), 0));
const fewTop = fewSums.reduce((best, sum, i) => (sum > fewSums[best] ? i : best), 0);
const losses = grid.map(loss);
const least = loss(question.estimate);

/** The θ of the model whose mean is at a place; of outcomes without a place there is none. */
const THETA_AT = {
  Poisson: (x) => x,
  Normal: (x) => x,
  LogNormal: (x) => Math.log(Math.max(x, 1e-300)),
  Exponential: (x) => 1 / Math.max(x, 1e-300),
};

/** A label with no more letters than there is room for below its bar. */
function brieflyNamed(text, plot) {
  const most = Math.max(3, Math.floor(plot.width / Math.min(LABELS, narrow(plot) ? 4 : 8) / 9));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** One step of gradient descent of the loss, at most a twentieth of the range; null at its end. */
function descended(theta) {
  const [low, high] = [grid[0], grid[grid.length - 1]];
  const h = question.step / 10;
  const slope = (t) => (loss(t + h) - loss(t - h)) / (2 * h);
  const best = question.estimate;
  const curvature = (slope(best + h) - slope(best - h)) / (2 * h);
  const most = (high - low) / 20;
  let change = (-0.15 * slope(theta)) / curvature;
  if (!Number.isFinite(change)) change = 0.15 * (best - theta); // at the end of the range
  change = clamp(change, -most, most);
  return Math.abs(change) < question.step / 50 ? null : clamp(theta + change, low, high);
}

Object.assign(figures, {
  product(place, { m, theta }) {
    const logs = question.rows.map((x) => logDensity(x, theta));
    const sums = [];
    let product = 1;
    let sum = 0;
    let shown = 1;
    let lost = null;
    logs.forEach((log, i) => {
      sum += log;
      sums.push(sum / Math.LN10);
      product *= Math.exp(log);
      if (lost === null && (product === 0 || product === Infinity)) lost = i + 1;
      if (i === m) shown = product;
    });
    const rows = sums.map((_, i) => i + 1);
    const finite = sums.filter(Number.isFinite);
    const low = Math.min(0, ...finite);
    const high = Math.max(0, ...finite);
    const plot = new Plot(place, { height: 250, x: [1, Math.max(rows.length, 2)], y: [low - (high - low || 1) * 0.04, high], left: 62 });
    const { left, right, bottom, top } = plot.box;
    // 2^−1074 is the smallest double; numbers below half of it are 0
    for (const [end, text, up] of [[-324, narrow(plot) ? "a product is 0 here" : "below 5 × 10⁻³²⁴ a product is exactly 0", false], [308.25, narrow(plot) ? "infinite here" : "above 1.8 × 10³⁰⁸ a product is infinite", true]]) {
      if (end <= low || end >= high) continue;
      const y = plot.y(end);
      plot.add("rect", { class: "area shade", x: left, width: right - left, y: up ? top : y, height: up ? y - top : bottom - y });
      plot.label(left, y, text, { dx: 10, dy: up ? -10 : 20 });
    }
    plot.axes(
      ticks(0, rows.length, 4).filter(([v]) => v >= 1).map(([v, text]) => [v, v === rows.length ? `m = ${grouped(v)}` : grouped(v)]),
      ticks(low, high, 4).filter(([v]) => Number.isInteger(v)).map(([v]) => [v, v === 0 ? "1" : `10${raised(v)}`]),
    );
    const kept = lost === null ? rows.length : lost - 1;
    plot.line(rows.slice(kept), sums.slice(kept), "line lost");
    plot.line(rows.slice(0, kept), sums.slice(0, kept));
    plot.dot(m + 1, sums[m], m + 1 > kept ? "dot lost" : "dot");
    draggable(plot, (at) => set("m", clamp(Math.round(at) - 1, 0, rows.length - 1)));
    const total = logs.slice(0, m + 1).reduce((a, b) => a + b, 0);
    show(place, {
      product: shown === 0 ? "0, exactly" : shown === Infinity ? "∞" : shown > 1e-3 && shown < 1e4 ? brief(Number(shown.toPrecision(4))) : power(shown),
      sum: fixed(total, 4),
      vanishes: lost === null
        ? `At this θ the product of ${rows.length === 1 ? "the one row" : `all ${grouped(rows.length)} rows`} can still be held.`
        : `At this θ the product is ${sums[lost - 1] < 0 ? "exactly 0" : "infinite"} from row ${grouped(lost)} on.`,
    });
  },

  tops(place, { theta }) {
    const here = question.few.reduce((sum, x) => sum + logDensity(x, theta), 0);
    const n = question.few.length;
    const lowest = [...fewSums].filter(Number.isFinite).sort((a, b) => a - b)[Math.floor(fewSums.length / 4)];
    const panels = [
      ["likelihood", fewSums.map(Math.exp), Math.exp(here)],
      ["log-likelihood", fewSums.map((s) => (s >= lowest ? s : NaN)), here],
      ["mean log-likelihood", fewSums.map((s) => (s >= lowest ? s / n : NaN)), here / n],
    ];
    place.replaceChildren();
    const best = grid[fewTop];
    panels.forEach(([text, heights, now], i) => {
      const inner = document.createElement("div");
      place.append(inner);
      const finite = heights.filter(Number.isFinite);
      const [low, high] = [Math.min(...finite), Math.max(...finite)];
      const last = i === 2;
      const plot = new Plot(inner, { height: last ? 148 : 124, x: [grid[0], grid[grid.length - 1]], y: [low, high], left: 14, top: 40, bottom: last ? 26 : 4 });
      plot.axes(last ? [...ticks(grid[0], grid[grid.length - 1], 5)] : [], []);
      draggable(plot, (at) => set("theta", placeOf(at)));
      plot.segment(best, low, best, high, "guide");
      plot.line(grid, heights);
      if (now >= low) plot.dot(theta, now);
      plot.label(plot.box.left, 22, text, { kind: "strong" });
      plot.label(plot.x(best), plot.box.top, i === 0 ? `maximum at θ = ${thetaText(best)}` : "", { dx: 8, dy: -6 });
    });
    show(place, {
      "top-likelihood": power(Math.exp(here)),
      "top-log": fixed(here, 4),
      "top-mean": fixed(here / n, 6),
    });
  },

  fitted(place, { theta }) {
    const bars = question.counts ? shares : question.histogram.counts;
    const count = bars.length;
    const { model } = fitted(theta);
    const edges = question.counts ? bars.map((_, k) => k - 0.5).concat(count - 0.5) : question.histogram.edges;
    const density = question.counts ? null : edges.map((x) => (x < 0 && question.family !== "Normal" ? 0 : Math.exp(logDensity(Math.max(x, 1e-300), theta))));
    const heights = question.counts ? bars : bars.map((n, i) => n / question.n / (edges[i + 1] - edges[i]));
    const usual = question.counts ? shares.map((_, k) => Math.exp(logDensity(k, question.estimate))) : edges.map((x) => Math.exp(logDensity(Math.max(x, question.family === "Normal" ? -Infinity : 1e-300), question.estimate)));
    const top = 1.35 * Math.max(...heights, ...usual.filter(Number.isFinite));
    const plot = new Plot(place, { height: 210, x: [edges[0], edges[count]], y: [0, top], left: 14 });
    const marks = question.counts ? ticks(0, count - 1, Math.min(8, count - 1 || 1)).filter(([v]) => Number.isInteger(v)) : ticks(edges[0], edges[count], 5);
    plot.axes(LABELS ? question.levels.map((text, k) => [k, brieflyNamed(text, plot)]).slice(0, narrow(plot) ? 4 : 8) : marks, []);
    const thetaAt = THETA_AT[question.family];
    if (thetaAt) draggable(plot, (at) => set("theta", placeOf(thetaAt(at))));
    heights.forEach((height, i) => {
      const gap = question.counts && count < 60 ? 0.12 * (plot.x(edges[i + 1]) - plot.x(edges[i])) : 0.5;
      plot.add("rect", { class: "data", x: plot.x(edges[i]) + gap, width: Math.max(plot.x(edges[i + 1]) - plot.x(edges[i]) - 2 * gap, 1), y: plot.y(height), height: plot.y(0) - plot.y(height) });
    });
    const clip = (y) => Math.min(y, top);
    if (model) {
      const middles = model.map((_, k) => k);
      plot.line(middles, model.map(clip), "line thin");
      middles.forEach((k) => plot.dot(k, clip(model[k]), "dot", count < 60 ? 4.5 : 2.5));
    } else {
      plot.line(edges, density.map(clip));
    }
    const right = question.family === "Bernoulli" ? plot.box.left : plot.box.right;
    plot.label(right, plot.box.top, "bars: the data p̂; line: the model", { anchor: right === plot.box.left ? "start" : "end", dy: 2 });
  },

  valley(place, { theta }) {
    const { entropy, relative, cross } = fitted(theta);
    const finite = losses.filter(Number.isFinite);
    const known = entropy !== null;
    const bottom = known && entropy > 0 && least > 0 ? 0 : Math.min(known ? entropy : least, least) - 0.15 * (Math.max(...finite) - least || 1);
    // cut high values, so that the shape around the minimum is visible
    const ceiling = Math.min(Math.max(...finite), least + 1.2 * Math.max(least - bottom, 0.2)) || 1;
    const plot = new Plot(place, { height: 250, x: [grid[0], grid[grid.length - 1]], y: [bottom, ceiling * (ceiling > 0 ? 1.02 : 0.98)], left: 46 });
    const cut = losses.map((value) => (Number.isNaN(value) ? NaN : Math.min(value, ceiling)));
    const inside = losses.map((value) => (value <= ceiling ? value : NaN));
    if (known) {
      const level = grid.map(() => entropy);
      plot.area(grid, grid.map(() => bottom), level, "entropy");
      const finiteGrid = grid.filter((_, i) => Number.isFinite(cut[i]));
      const finiteCut = cut.filter(Number.isFinite);
      plot.area(finiteGrid, finiteGrid.map(() => entropy), finiteCut.map((v) => Math.max(v, entropy)), "relative");
      plot.segment(grid[0], entropy, grid[grid.length - 1], entropy, "line entropy thin");
      plot.label(plot.box.left, plot.y((bottom + entropy) / 2), question.counts ? "entropy of the data" : "entropy of the data, estimated", { dx: 10, dy: 5, kind: "entropy" });
    }
    draggable(plot, (at) => set("theta", placeOf(at)));
    const heights = ticks(inUnit(bottom), inUnit(ceiling), 3).map(([v, text]) => [v * unit.nats, text]);
    plot.axes(ticks(grid[0], grid[grid.length - 1], 5), heights);
    plot.segment(question.estimate, bottom, question.estimate, least, "guide");
    plot.label(plot.x(question.estimate), plot.box.bottom, "kl.fit", { ...(theta < question.estimate ? { dx: 8 } : { anchor: "end", dx: -8 }), dy: -8, kind: "strong" });
    if (Number.isFinite(cross)) {
      const roof = Math.min(cross, ceiling);
      if (known) {
        plot.segment(theta, bottom, theta, Math.min(entropy, roof), "line entropy thick");
        if (roof > entropy) plot.segment(theta, entropy, theta, roof, "line relative thick");
      }
      plot.line(grid, inside, "line cross");
      plot.dot(theta, roof, "dot cross");
    } else {
      plot.line(grid, inside, "line cross");
    }
    identity("fitted", { entropy, relative, cross }, Math.max(least, 1e-9) * 1.8);
  },
});
