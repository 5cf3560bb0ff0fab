// Maps on canvases of one pixel per voxel. All maps of a viewer share the slice and the cross; maps of
// one row with the same quantity share the window.

// Numbers of 16 bits (IEEE 754 binary16) by their code.
const half = Float32Array.from({ length: 65536 }, (_, code) => {
  const exponent = (code >> 10) & 31;
  const fraction = (code & 1023) / 1024;
  const size =
    exponent === 31 ? (fraction ? NaN : Infinity)
    : exponent ? 2 ** (exponent - 15) * (1 + fraction)
    : 2 ** -14 * fraction;
  return code >> 15 ? -size : size;
});

const NO_VALUE = [0x8c, 0x8c, 0x8c];

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = bytes.length / 2; // all low bytes, then all high bytes
  return Uint16Array.from({ length: count }, (_, i) => bytes[i] | (bytes[count + i] << 8));
}

function shown(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace("-", "−");
}

function bytesOf(hex) {
  return Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** 256 colours, straight lines between those given. */
function palette(stops) {
  const given = bytesOf(stops);
  const last = given.length / 3 - 1;
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * last;
    const before = Math.min(Math.floor(place), last - 1);
    return [0, 1, 2].map((c) => {
      const [a, b] = [given[3 * before + c], given[3 * before + 3 + c]];
      return a + (b - a) * (place - before);
    });
  });
}

class Panel {
  constructor(figure) {
    Object.assign(this, JSON.parse(figure.dataset.panel));
    this.figure = figure;
    this.canvas = figure.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.cross = figure.querySelector(".cross");
    this.reading = figure.querySelector(".value");
    this.first = [this.low, this.high];
    if (this.key) {
      this.colours = [null, ...this.key.map(([colour]) => bytesOf(colour.slice(1)))];
    } else {
      figure.querySelector(".ramp").style.background =
        `linear-gradient(to right, ${this.colours.match(/.{6}/g).map((one) => `#${one}`)})`;
      this.colours = palette(this.colours);
      this.inputs = [figure.querySelector(".low"), figure.querySelector(".high")];
    }
  }

  async load() {
    const data = this.figure.querySelector("script");
    this.codes = await unpack(data.textContent);
    data.remove();
    if (!this.key) this.setWindow(this.low, this.high);
  }

  setWindow(low, high) {
    [this.low, this.high] = [low, high];
    const step = 10 ** Math.floor(Math.log10(high - low) - 1);
    this.inputs.forEach((input, i) => {
      input.step = Number(step.toPrecision(1));
      input.removeAttribute("aria-invalid");
      // What is being typed stays as it is.
      if (input !== document.activeElement) input.value = Number([low, high][i].toPrecision(6));
    });
    this.sayBeyond();
  }

  /** How many values the colours cannot show. */
  sayBeyond() {
    let [below, above, all] = [0, 0, 0];
    for (const code of this.codes) {
      const value = half[code] * this.scale;
      if (!Number.isFinite(value)) continue;
      all += 1;
      below += value < this.low - 1e-3 * (this.high - this.low);
      above += value > this.high + 1e-3 * (this.high - this.low);
    }
    const share = (count) => (100 * count / all).toPrecision(2);
    const parts = [];
    if (below) parts.push(`◂ ${share(below)} % below`);
    if (above) parts.push(`${share(above)} % above ▸`);
    this.figure.querySelector(".beyond").textContent = parts.join(", ");
  }

  colour(code) {
    if (this.key) return this.colours[code];
    const value = half[code] * this.scale;
    if (value === -Infinity) return null;
    if (Number.isNaN(value)) return NO_VALUE;
    const place = Math.round((255 * (value - this.low)) / (this.high - this.low));
    return this.colours[Math.min(Math.max(place, 0), 255)];
  }

  paint(slice) {
    const { width, height } = this.canvas;
    const picture = this.context.createImageData(width, height);
    const start = slice * width * height;
    for (let i = 0; i < width * height; i += 1) {
      const colour = this.colour(this.codes[start + i]);
      if (colour) picture.data.set([...colour, 255], 4 * i);
    }
    this.context.putImageData(picture, 0, 0);
  }

  read(slice, row, column) {
    const { width, height } = this.canvas;
    const code = this.codes[(slice * height + row) * width + column];
    if (this.key) return code ? this.key[code - 1][1] : "–";
    const value = half[code] * this.scale;
    if (value === -Infinity) return "outside";
    return Number.isNaN(value) ? "no value" : `${shown(value)} ${this.unit}`;
  }

  get unit() {
    return (this.label.match(/\[(.*)\]$/) || ["", ""])[1];
  }

  mark(slice, row, column) {
    const { width, height } = this.canvas;
    const box = { left: column / width, top: row / height, width: 1 / width, height: 1 / height };
    for (const [side, share] of Object.entries(box)) this.cross.style[side] = `${100 * share}%`;
    this.cross.hidden = false;
    this.reading.textContent = this.read(slice, row, column);
  }
}

class Viewer {
  constructor(element) {
    Object.assign(this, JSON.parse(element.dataset.viewer));
    this.element = element;
    this.groups = [...element.querySelectorAll(".row")].map((row) =>
      [...row.querySelectorAll(".map")].map((figure) => new Panel(figure)));
    this.panels = this.groups.flat();
    this.slider = element.querySelector("input[type=range]");
    this.place = element.querySelector(".place");
    this.slice = this.slider ? this.slider.value - 1 : 0;
    this.row = Math.floor(this.rows.length / 2);
    this.column = Math.floor(this.columns.length / 2);
  }

  async start() {
    await Promise.all(this.panels.map((panel) => panel.load()));
    this.slider?.addEventListener("input", () => this.goTo(this.slider.value - 1));
    for (const group of this.groups) {
      for (const panel of group) this.listen(panel, group);
    }
    const reset = this.element.querySelector(".reset");
    reset.addEventListener("click", () => this.reset());
    reset.disabled = false;
    this.goTo(this.slice);
    this.element.dataset.ready = "true";
  }

  listen(panel, group) {
    panel.canvas.addEventListener("pointermove", (event) => this.point(event, group));
    panel.canvas.addEventListener("pointerdown", (event) => this.point(event, group));
    panel.canvas.addEventListener("keydown", (event) => this.press(event, group));
    panel.canvas.addEventListener("focus", () => this.look(group));
    for (const input of panel.inputs || []) {
      input.addEventListener("input", () => this.widen(panel, group));
    }
  }

  point(event, group) {
    const box = event.target.getBoundingClientRect();
    const place = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    this.column = place((event.clientX - box.left) / box.width, this.columns.length);
    this.row = place((event.clientY - box.top) / box.height, this.rows.length);
    this.look(group);
  }

  press(event, group) {
    const moves = {
      ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0], ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0],
      PageUp: [0, 0, 1], PageDown: [0, 0, -1],
    };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [down, right, up] = move.map((one) => one * (event.shiftKey ? 10 : 1));
    const within = (value, count) => Math.min(Math.max(value, 0), count - 1);
    this.row = within(this.row + down, this.rows.length);
    this.column = within(this.column + right, this.columns.length);
    if (up) this.goTo(within(this.slice + up, this.slices.length));
    this.look(group);
  }

  /** A new window for a map and for its neighbours of the same quantity. */
  widen(panel, group) {
    const [low, high] = panel.inputs.map((input) => input.valueAsNumber);
    const fits = Number.isFinite(low) && Number.isFinite(high) && low < high;
    if (!fits) {
      for (const input of panel.inputs) input.setAttribute("aria-invalid", "true");
      this.place.textContent = "The lower end of a window must be below the upper end.";
      return;
    }
    for (const one of group) {
      if (one.label && one.label === panel.label) this.open(one, low, high);
    }
  }

  reset() {
    for (const panel of this.panels) if (panel.inputs) this.open(panel, ...panel.first);
  }

  open(panel, low, high) {
    panel.setWindow(low, high);
    panel.paint(this.slice);
  }

  goTo(slice) {
    this.slice = slice;
    for (const panel of this.panels) panel.paint(slice);
    if (this.slider) {
      const name = `${this.slices[slice] + 1} of ${this.total}`;
      this.slider.value = slice + 1;
      this.slider.setAttribute("aria-valuetext", `slice ${name}`);
      this.element.querySelector(".slice-number").textContent = name;
    }
    if (this.seen) this.look(this.seen);
  }

  /** Read all maps at the cross, and announce those of the row in use. */
  look(group) {
    this.seen = group;
    for (const panel of this.panels) panel.mark(this.slice, this.row, this.column);
    const named = [...group, ...this.panels.filter((one) => one.key && !group.includes(one))];
    const values = named.map((one) => `${one.caption} ${one.read(this.slice, this.row, this.column)}`);
    this.place.textContent = `${this.where()}: ${values.join(", ")}`;
  }

  where() {
    const [column, row] = [this.columns[this.column], this.rows[this.row]];
    const voxel = [...(this.swapped ? [row, column] : [column, row]), this.slices[this.slice]];
    const name = `Voxel [${voxel.join(", ")}]`;
    if (!this.affine) return name;
    const world = this.affine.map((a) => a[0] * voxel[0] + a[1] * voxel[1] + a[2] * voxel[2] + a[3]);
    const sides = ["LR", "PA", "IS"];
    const parts = world.map((x, i) => `${sides[i][Number(x >= 0)]} ${Math.abs(x).toFixed(1)}`);
    return `${name}, ${parts.join(" ")} mm`;
  }
}

for (const element of document.querySelectorAll(".viewer")) {
  new Viewer(element).start().catch((error) => {
    element.querySelector(".place").textContent =
      `This browser cannot show the maps (${error.message}); a browser of 2023 or later can.`;
  });
}
