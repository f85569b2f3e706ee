// The figures: each is a function of the sliders' values.
"use strict";

const numbers = JSON.parse(document.getElementById("numbers").textContent);
const question = numbers.question;
const LOG_TWO = Math.log(2);

// ---- the quantities ----------------------------------------------------------------------------

/** x log y, 0 where x is 0 whatever y is. */
const xlogy = (x, y) => (x === 0 ? 0 : x * Math.log(y));

const entropyOf = (ps) => ps.reduce((sum, p) => sum - xlogy(p, p), 0);
const crossOf = (ps, qs) => ps.reduce((sum, p, i) => sum - xlogy(p, qs[i]), 0);
const relativeOf = (ps, qs) => ps.reduce((sum, p, i) => sum + (p === 0 ? 0 : xlogy(p, p / qs[i])), 0);
const coin = (p) => [p, 1 - p];

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
const meanFactorial = (question.counts || []).reduce((sum, n, k) => sum + n * factorial[k], 0) / question.n;
const logDensity = FAMILIES[question.family].log;
const loss = FAMILIES[question.family].loss;

const shares = question.counts && question.counts.map((n) => n / question.n);
const grid = Array.from({ length: question.intervals + 1 }, (_, i) => gridTheta(i));

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

// ---- one to three --------------------------------------------------------------------------------

const UNIT = Array.from({ length: 201 }, (_, i) => i / 200);
const ARCH = UNIT.map((p) => entropyOf(coin(p)));
/** Whether a picture is as narrow as a phone, without room for long labels. */
const narrow = (plot) => plot.width < 480;

const HALVES = [[0, "0"], [0.5, "½"], [1, "1"]];

const figures = {
  coin(place, { p }) {
    const plot = new Plot(place, { height: 220, x: [0, 1], y: [0, 0.76] });
    plot.axes(HALVES, [[0, "0"], [LOG_TWO, "log 2"]]);
    const height = entropyOf(coin(p));
    plot.line(UNIT, ARCH, "line entropy");
    plot.segment(p, 0, p, height, "line entropy thick");
    plot.dot(p, height, "dot entropy");
    show(place, { coin: fixed(height, 4) });
    draggable(plot, () => ["p"]);
  },

  simulated(place, { draws }) {
    const { draws: m, mean, stderr, entropy } = numbers.simulated;
    const reach = 2.2 * stderr[0];
    const plot = new Plot(place, { height: 230, x: [m[0], m[m.length - 1]], y: [entropy - reach, entropy + reach], log: true });
    plot.area(m, stderr.map((s) => entropy - 2 * s), stderr.map((s) => entropy + 2 * s), "band");
    plot.axes((narrow(plot) ? [10, 1000, 100000] : [10, 100, 1000, 10000, 100000]).map((n) => [n, grouped(n)]), [[entropy, "H(p)"]]);
    plot.segment(m[0], entropy, m[m.length - 1], entropy, "line entropy");
    plot.line(m.slice(0, draws + 1), mean.slice(0, draws + 1));
    plot.line(m, mean, "line thin lost");
    plot.dot(m[draws], mean[draws]);
    plot.label(plot.box.right, plot.box.top, "± two standard errors", { anchor: "end", dy: 8 });
    show(place, { mean: fixed(mean[draws], 4), stderr: fixed(stderr[draws], 4), limit: fixed(entropy, 4) });
  },

  coins(place, { p, q }) {
    const top = 1.2;
    const plot = new Plot(place, { height: Math.min(380, Math.max(280, place.clientWidth * 0.55)), x: [0, 1], y: [0, top] });
    plot.axes([[0, "0"], [1, "1"]], [[0, "0"], [LOG_TWO, "log 2"]]);
    const entropy = entropyOf(coin(p));
    const cross = crossOf(coin(p), coin(q));
    const relative = p === q ? 0 : relativeOf(coin(p), coin(q));
    const roof = Math.min(cross, top);
    plot.line(UNIT, ARCH, "line");
    if (q > 0 && q < 1) {
      // the tangent at q, cut at the top of the picture
      const height = (x) => -xlogy(x, q) - xlogy(1 - x, 1 - q);
      const slope = Math.log((1 - q) / q);
      const cut = slope === 0 ? [0, 1] : [(0 - height(0)) / slope, (top - height(0)) / slope].sort((a, b) => a - b);
      const ends = [Math.max(0, cut[0]), Math.min(1, cut[1])];
      plot.line(ends, ends.map(height), "line cross");
    } else {
      plot.segment(q, 0, q, top, "line cross");
    }
    plot.segment(p, 0, p, entropy, "line entropy thick");
    if (roof > entropy) plot.segment(p, entropy, p, roof, "line relative thick");
    plot.dot(q, entropyOf(coin(q)), "dot cross");
    const side = p < 0.5 ? { anchor: "start", dx: 12 } : { anchor: "end", dx: -12 };
    if (entropy > 0.12) plot.label(plot.x(p), plot.y(entropy / 2), "H(p)", { ...side, dy: 5, kind: "entropy" });
    if (roof - entropy > 0.09) {
      plot.label(plot.x(p), plot.y((entropy + roof) / 2), cross > top ? "D(p‖q) ↑" : "D(p‖q)", { ...side, dy: 5, kind: "relative" });
    }
    const far = q > 0.5 ? { anchor: "end", dx: -6 } : { anchor: "start", dx: 6 };
    if (!narrow(plot)) plot.label(plot.x(q), plot.y(entropyOf(coin(q))), "touches at q", { ...far, dy: entropyOf(coin(q)) > 0.2 ? 24 : -12, kind: "cross" });
    for (const [name, value] of [["q", q], ["p", p]]) {
      plot.dot(value, 0, "handle", 11);
      plot.label(plot.x(value), plot.box.bottom, name, { anchor: "middle", dy: 4.5, kind: "strong" });
    }
    identity("coins", { entropy, relative, cross }, 2);
    show(place, { reverse: fixed(p === q ? 0 : relativeOf(coin(q), coin(p)), 4) });
    draggable(plot, (x) => (Math.abs(x - p) <= Math.abs(x - q) ? ["p"] : ["q"]));
  },

  // ---- four to six -----------------------------------------------------------------------------

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
    plot.axes(question.counts ? ticks(0, count - 1, Math.min(8, count - 1 || 1)).filter(([v]) => Number.isInteger(v)) : ticks(edges[0], edges[count], 5), []);
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
    plot.axes(ticks(grid[0], grid[grid.length - 1], 5).map(([v, text]) => [v, text]), ticks(bottom, ceiling, 3));
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
    const tight = question.counts ? null : question.entropy;
    identity("fitted", { entropy, relative: tight === null && !question.counts ? null : relative, cross }, Math.max(least, 1e-9) * 1.8);
  },

  // ---- seven -----------------------------------------------------------------------------------

  descent(place, { newton }) {
    const { losses: path, baseline, network } = numbers.trained;
    const steps = path.map((_, i) => i);
    const plot = new Plot(place, { height: 250, x: [0, path.length - 1], y: [0, 0.76], left: 46 });
    const end = path[path.length - 1];
    plot.add("rect", { class: "area shade", x: plot.box.left, width: plot.box.right - plot.box.left, y: plot.y(end), height: plot.y(0) - plot.y(end) });
    plot.axes(steps.map((i) => [i, String(i)]), [[0, "0"], [LOG_TWO, "log 2"]]);
    plot.segment(0, baseline, path.length - 1, baseline, "line entropy thin");
    plot.label(plot.box.right, plot.y(baseline), "baseline (class shares): H(Y)", { anchor: "end", dy: 18, kind: "entropy" });
    plot.label(plot.box.left, plot.y(end / 2), narrow(plot) ? "H(Y | X) + D: unknown" : "irreducible loss H(Y | X) + excess loss: shares unknown", { dx: 10, dy: 5 });
    if (network.length > 1) {
      // its epochs over the whole width, whatever their number
      const epochs = network.map((_, i) => (i * (path.length - 1)) / (network.length - 1));
      plot.line(epochs, network, "line relative thin");
      plot.label(plot.box.right, plot.y(network[network.length - 1]), narrow(plot) ? "network" : "a network, on held-out rows, by epoch", { anchor: "end", dy: -10, kind: "relative" });
    }
    plot.line(steps, path, "line cross");
    steps.forEach((i) => plot.dot(i, path[i], "dot cross", i === newton ? 7 : 4));
    show(place, { loss: fixed(path[newton], 6), baseline: fixed(baseline, 6) });
  },

  predicted(place, { newton }) {
    const [up, down] = [numbers.trained.malignant[newton], numbers.trained.benign[newton]];
    const most = Math.max(...up, ...down);
    const plot = new Plot(place, { height: 210, x: [0, 1], y: [-1, 1], left: 14 });
    const middle = plot.y(0);
    const wide = (plot.box.right - plot.box.left) / up.length;
    up.forEach((n, i) => {
      const x = plot.box.left + i * wide + 1;
      const size = (count) => Math.sqrt(count / most) * 0.5 * (plot.box.bottom - plot.box.top);
      plot.add("rect", { class: "dot", x, width: wide - 2, y: middle - size(n), height: size(n) });
      plot.add("rect", { class: "data", x, width: wide - 2, y: middle, height: size(down[i]) });
    });
    plot.add("path", { class: "axis", d: `M${plot.box.left} ${middle}H${plot.box.right}` });
    plot.axes([[0, "0"], [0.5, "predicted probability of malignant"], [1, "1"]], []);
    plot.label(plot.box.right, plot.box.top, narrow(plot) ? "malignant ↑ (root scale)" : "malignant ↑ (heights: square roots of counts)", { anchor: "end", dy: 6, kind: "strong" });
    plot.label(plot.box.right, plot.box.bottom, "benign ↓", { anchor: "end", dy: -8 });
  },
};
