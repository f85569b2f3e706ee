// The figures of steps one to four: entropies of coins and of four outcomes.
"use strict";

const numbers = JSON.parse(document.getElementById("numbers").textContent);
const LOG_TWO = Math.log(2);

/** The unit of every entropy shown, and its size in nats; all computation is in nats. */
const unit = { name: "nats", nats: 1 };
const inUnit = (value) => value / unit.nats;
const decimal = (value, digits) => fixed(inUnit(value), digits);
const logTwo = () => (unit.name === "bits" ? "1" : "log 2");

// ---- the quantities, in nats -------------------------------------------------------------------

/** x log y, 0 where x is 0 whatever y is. */
const xlogy = (x, y) => (x === 0 ? 0 : x * Math.log(y));

const entropyOf = (ps) => ps.reduce((sum, p) => sum - xlogy(p, p), 0);
const crossOf = (ps, qs) => ps.reduce((sum, p, i) => sum - xlogy(p, qs[i]), 0);
const relativeOf = (ps, qs) => ps.reduce((sum, p, i) => sum + (p === 0 ? 0 : xlogy(p, p / qs[i])), 0);
const coin = (p) => [p, 1 - p];

// ---- one to four -------------------------------------------------------------------------------

const UNIT = Array.from({ length: 201 }, (_, i) => i / 200);
const ARCH = UNIT.map((p) => entropyOf(coin(p)));
/** Whether a picture is as narrow as a phone, without room for long labels. */
const narrow = (plot) => plot.width < 480;

const HALVES = [[0, "0"], [0.5, "½"], [1, "1"]];

/** The mean surprises of the library's sample, or of one that was drawn on the page. */
let surprises = numbers.simulated.mean;

function drawSample() {
  const cost = [-Math.log(0.7), -Math.log(0.3)];
  let sum = 0;
  let n = 0;
  surprises = numbers.simulated.draws.map((last) => {
    for (; n < last; n++) sum += cost[Math.random() < 0.3 ? 1 : 0];
    return sum / n;
  });
}

// four outcomes; the codes of q are drawn up to this length, in bits
const FOUR = numbers.four;
const LONGEST = 5.2;
const SHORTEST = -Math.log2(0.91);

const figures = {
  limit(place, { x }) {
    const value = xlogy(x, x);
    const plot = new Plot(place, { height: 170, x: [0, 1], y: [-0.4, 0.02], top: 18 });
    plot.axes([[0, "0"], [0.5, "x"], [1, "1"]], [[0, "0"]]);
    plot.line(UNIT, UNIT.map((t) => xlogy(t, t)));
    plot.dot(x, value);
    show(place, { limit: x === 0 ? "0 log 0 = 0, the limit" : `x log x = ${fixed(value, 4)}` });
    draggable(plot, (at) => set("x", Math.round(100 * clamp(at, 0, 1))));
  },

  coin(place, { p }) {
    const plot = new Plot(place, { height: 220, x: [0, 1], y: [0, 0.76] });
    plot.axes(HALVES, [[0, "0"], [LOG_TWO, logTwo()]]);
    const height = entropyOf(coin(p));
    plot.line(UNIT, ARCH, "line entropy");
    plot.segment(p, 0, p, height, "line entropy thick");
    plot.dot(p, height, "dot entropy");
    show(place, { coin: decimal(height, 4) });
    draggable(plot, (at) => set("p", Math.round(100 * clamp(at, 0, 1))));
  },

  simulated(place, { draws }) {
    const { draws: m, stderr, entropy } = numbers.simulated;
    const mean = surprises;
    const reach = 2.2 * stderr[0];
    const plot = new Plot(place, { height: 230, x: [m[0], m[m.length - 1]], y: [entropy - reach, entropy + reach], log: true });
    plot.area(m, stderr.map((s) => entropy - 2 * s), stderr.map((s) => entropy + 2 * s), "band");
    plot.axes((narrow(plot) ? [10, 1000, 100000] : [10, 100, 1000, 10000, 100000]).map((n) => [n, grouped(n)]), [[entropy, "H(p)"]]);
    plot.segment(m[0], entropy, m[m.length - 1], entropy, "line entropy");
    plot.line(m.slice(0, draws + 1), mean.slice(0, draws + 1));
    plot.line(m, mean, "line thin lost");
    plot.dot(m[draws], mean[draws]);
    plot.label(plot.box.right, plot.box.top, "± two standard errors", { anchor: "end", dy: 8 });
    show(place, { mean: decimal(mean[draws], 4), stderr: decimal(stderr[draws], 4), expected: decimal(entropy, 4) });
    const nearest = (at) => m.reduce((best, n, i) => (Math.abs(Math.log(n / at)) < Math.abs(Math.log(m[best] / at)) ? i : best), 0);
    draggable(plot, (at) => set("draws", nearest(at)));
  },

  coins(place, { p, q }) {
    const top = 1.2;
    const plot = new Plot(place, { height: Math.min(380, Math.max(280, place.clientWidth * 0.55)), x: [0, 1], y: [0, top] });
    plot.axes([[0, "0"], [1, "1"]], [[0, "0"], [LOG_TWO, logTwo()]]);
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
    show(place, { reverse: decimal(p === q ? 0 : relativeOf(coin(q), coin(p)), 4) });
    let held = null; // the nearer handle, until it is let go
    draggable(plot, (at, _, first) => {
      if (first) held = Math.abs(at - p) <= Math.abs(at - q) ? "p" : "q";
      set(held, Math.round(100 * clamp(at, 0, 1)));
    });
  },

  areas(place, { four }) {
    const plot = new Plot(place, { height: 300, x: [0, 1], y: [0, LONGEST * LOG_TWO], left: 40, top: 22 });
    const top = LONGEST * LOG_TWO;
    plot.axes([], ticks(0, inUnit(top), 4).map(([v, text]) => [v * unit.nats, text]));
    let left = 0;
    const edges = FOUR.map((p, i) => {
      const [start, end, length] = [left, (left += p), -Math.log(four[i])];
      const height = Math.min(length, top);
      const box = { x: plot.x(start) + 1, width: plot.x(end) - plot.x(start) - 2 };
      plot.add("rect", { ...box, class: "area cross", y: plot.y(height), height: plot.y(0) - plot.y(height) });
      plot.segment(start, height, end, height, "line cross");
      plot.segment(start, -Math.log(p), end, -Math.log(p), "line entropy dashed");
      const middle = (start + end) / 2;
      plot.label(plot.x(middle), plot.y(height), decimal(length, 2), { anchor: "middle", dy: -6, kind: "cross" });
      plot.label(plot.x(middle), plot.box.bottom, `${"abcd"[i]}: ${["½", "¼", "⅛", "⅛"][i]}`, { anchor: "middle", dy: 18, kind: "strong" });
      return end;
    });
    const [entropy, cross] = [entropyOf(FOUR), crossOf(FOUR, four)];
    const same = four.every((q, i) => q === FOUR[i]);
    identity("areas", { entropy, relative: same ? 0 : relativeOf(FOUR, four), cross }, 2.6);
    let held = null; // the rectangle, until it is let go
    draggable(plot, (at, height, first) => {
      if (first) held = Math.max(0, edges.findIndex((end) => at <= end));
      setShare(held, Math.exp(-clamp(height, SHORTEST * LOG_TWO, LONGEST * LOG_TWO)));
    }, true);
  },
};
