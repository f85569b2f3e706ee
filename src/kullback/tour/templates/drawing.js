// Axes, lines and numbers: the parts of every figure.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/** A picture as wide as its element, with functions from numbers to coordinates. */
class Plot {
  constructor(place, { height, x, y, left = 46, right = 14, top = 14, bottom = 26, log = false }) {
    this.width = Math.max(place.clientWidth, 240);
    this.height = height;
    this.box = { left, right: this.width - right, top, bottom: height - bottom };
    const scale = log ? Math.log : (value) => value;
    const across = this.box.right - left;
    const down = this.box.bottom - top;
    const [x0, x1] = x.map(scale);
    this.x = (value) => left + ((scale(value) - x0) / (x1 - x0 || 1)) * across;
    this.y = (value) => this.box.bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * down;
    const unscale = log ? Math.exp : (value) => value;
    this.fromX = (place) => unscale(x0 + ((place - left) / across) * (x1 - x0));
    this.fromY = (place) => y[0] + ((this.box.bottom - place) / down) * (y[1] - y[0]);
    this.svg = make("svg", { viewBox: `0 0 ${this.width} ${height}`, height });
    place.replaceChildren(this.svg);
  }

  add(name, attributes, text) {
    const node = make(name, attributes);
    if (text !== undefined) node.textContent = text;
    this.svg.append(node);
    return node;
  }

  /** A line through points, which breaks where a height is not finite. */
  line(xs, ys, kind = "line") {
    return this.add("path", { class: kind, d: this.path(xs, ys) });
  }

  path(xs, ys) {
    let pen = "M";
    let path = "";
    xs.forEach((x, i) => {
      if (!Number.isFinite(ys[i])) {
        pen = "M";
        return;
      }
      path += `${pen}${this.x(x).toFixed(1)} ${this.y(ys[i]).toFixed(1)}`;
      pen = "L";
    });
    return path;
  }

  /** The area between two curves. */
  area(xs, lower, upper, kind) {
    const back = xs.map((_, i) => xs.length - 1 - i);
    const there = this.path(xs, upper);
    const again = this.path(back.map((i) => xs[i]), back.map((i) => lower[i]));
    if (there && again) this.add("path", { class: `area ${kind}`, d: `${there}${again.replace("M", "L")}Z` });
  }

  segment(x0, y0, x1, y1, kind) {
    this.add("line", { class: kind, x1: this.x(x0), y1: this.y(y0), x2: this.x(x1), y2: this.y(y1) });
  }

  dot(x, y, kind = "dot", r = 6) {
    if (!Number.isFinite(y)) return; // outside the picture
    this.add("circle", { class: kind, cx: this.x(x), cy: this.y(y), r });
  }

  label(x, y, text, { anchor = "start", dx = 0, dy = 0, kind = "" } = {}) {
    this.add("text", { x: x + dx, y: y + dy, "text-anchor": anchor, class: kind }, text);
  }

  /** The two axes, with ticks and their labels. */
  axes(xTicks, yTicks) {
    const { left, right, top, bottom } = this.box;
    this.add("path", { class: "axis", d: `M${left} ${bottom}H${right}` });
    for (const [value, text] of yTicks) {
      const y = this.y(value);
      if (y < top - 1 || y > bottom + 1) continue;
      this.add("path", { class: "axis", d: `M${left} ${y}H${right}` });
      this.label(left, y, text, { anchor: "end", dx: -8, dy: 4 });
    }
    for (const [value, text] of xTicks) {
      const anchor = this.x(value) > right - 20 ? "end" : this.x(value) < left + 12 ? "start" : "middle";
      this.label(this.x(value), bottom, text, { anchor, dy: 18 });
    }
  }
}

function make(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** Round values, four or five of them, between two ends. */
function ticks(low, high, count = 4) {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [[low, brief(low)]];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const marks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    marks.push([i * step, brief(i * step)]);
  }
  return marks;
}

// ---- numbers as text -------------------------------------------------------------------------

const minus = (text) => text.replace(/-/g, "−");

/** A number with few characters, for an axis. */
function brief(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return power(value, 1);
  return minus(String(Number(value.toPrecision(6))));
}

/** A number with a fixed count of decimals, −0 as 0. */
function fixed(value, digits) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (Math.abs(value) >= 1e12) return power(value, digits);
  const text = value.toFixed(digits);
  return minus(Number(text) === 0 ? text.replace("-", "") : text);
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A number as a × 10ⁿ. */
function power(value, digits = 2) {
  const [factor, exponent] = value.toExponential(digits).split("e");
  return minus(`${factor} × 10${raised(Number(exponent))}`);
}

/** A whole number as an exponent. */
function raised(exponent) {
  return [...String(exponent)].map((letter) => RAISED[letter]).join("");
}

function grouped(value) {
  return value.toLocaleString("en-GB");
}

/**
 * Two parts and their sum, each correctly rounded, with the fewest decimals (at least four) for
 * which the shown numbers add up: with four, one sum in four would be off in the last place.
 */
function adding(part, rest, sum) {
  if (![part, rest, sum].every(Number.isFinite)) return [part, rest, sum].map((x) => fixed(x, 4));
  // a double always has fifteen digits
  const most = Math.max(4, 14 - Math.ceil(Math.log10(Math.abs(part) + Math.abs(rest) + 1)));
  for (let digits = 4; digits <= most; digits++) {
    const whole = [part, rest, sum].map((x) => BigInt(x.toFixed(digits).replace(".", "")));
    if (whole[0] + whole[1] === whole[2]) return [part, rest, sum].map((x) => fixed(x, digits));
  }
  return [part, rest, sum].map((x) => fixed(x, most));
}
