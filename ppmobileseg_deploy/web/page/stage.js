// Where the picture is shown: zooming, moving, the divider, and the name under the pointer.

import { plainRenderer } from "./plain_renderer.js";
import { webglRenderer } from "./webgl_renderer.js";

/** @import { ClassOfModel, Placement, Renderer, Result, StageParts } from "./types.js" */

const MOST_ZOOM = 64;
const STEP = 1.4;
const GRASP = 20; // CSS pixels from the divider at which a pointer takes hold of it

export class Stage {
  /** @type {Renderer | undefined} */
  #renderer;
  /** @type {ImageBitmap | undefined} */
  #picture;
  /** @type {Result | null} */
  #result = null;
  /** @type {ClassOfModel[]} */
  #classes = [];
  #zoom = 1;
  /** What is in the middle, as shares of the picture. */
  #middle = { x: 0.5, y: 0.5 };
  /** @type {Map<number, PointerEvent>} */
  #pointers = new Map();
  #dividing = false;
  #scheduled = false;
  /** Go on without the graphics processor. */
  #drawPlainly = () => {};

  constructor(/** @type {StageParts} */ parts) {
    this.parts = parts;
    const { area } = parts;
    new ResizeObserver(() => this.draw()).observe(area);
    area.addEventListener("pointerdown", (event) => this.#press(event));
    area.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
      area.addEventListener(end, (event) => this.#release(event));
    }
    area.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    area.addEventListener("dblclick", (event) => this.zoom(STEP * STEP, event));
    area.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * Make a canvas, drawn by the graphics processor where that is possible.
   * @returns {string} why it is not, or an empty text
   */
  prepare(/** @type {ClassOfModel[]} */ classes) {
    this.#classes = classes;
    let reason = "";
    const canvas = () => {
      const made = document.createElement("canvas");
      made.tabIndex = 0;
      made.setAttribute("role", "img");
      made.hidden = this.#picture === undefined;
      this.parts.area.prepend(made);
      return made;
    };
    const first = canvas();
    this.#drawPlainly = () => {
      this.#drawPlainly = () => {};
      first.remove();
      this.#renderer = plainRenderer(canvas(), classes);
      if (this.#picture !== undefined) this.show(this.#picture, this.#result, first.ariaLabel ?? "");
    };
    first.addEventListener("webglcontextlost", () => this.#drawPlainly());
    try {
      this.#renderer = webglRenderer(first, classes);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
      this.#drawPlainly();
    }
    return reason;
  }

  show(/** @type {ImageBitmap} */ picture, /** @type {Result | null} */ result, /** @type {string} */ description) {
    const before = this.#picture;
    if (before?.width !== picture.width || before.height !== picture.height) this.#fit();
    this.#picture = picture;
    this.#result = result;
    if (result?.field === null) this.#drawPlainly(); // it draws from the field
    this.#renderer?.show(picture, result);
    if (this.#renderer !== undefined) {
      this.#renderer.canvas.hidden = false;
      this.#renderer.canvas.setAttribute("aria-label", description);
    }
    this.parts.tip.hidden = true;
    this.draw();
  }

  /** Draw before the next frame of the screen. */
  draw() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const placement = this.#placement();
      if (this.#renderer === undefined || placement === undefined) return;
      const { canvas } = this.#renderer;
      const { width, height } = this.#canvasSize();
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      // Not 100 %, which may be a fraction of a pixel more, and blurred.
      canvas.style.width = `${width / globalThis.devicePixelRatio}px`;
      canvas.style.height = `${height / globalThis.devicePixelRatio}px`;
      this.#renderer.draw(placement, this.parts.look);
      this.parts.area.classList.toggle("zoomed", this.#zoom > 1);
      this.#placeLine(placement);
    });
  }

  #placeLine(/** @type {Placement} */ { left, top, scale }) {
    const { line, look } = this.parts;
    const { width, height } = /** @type {ImageBitmap} */ (this.#picture);
    const ratio = globalThis.devicePixelRatio;
    line.hidden = look.divider === 0;
    line.style.left = `${(left + look.divider * width * scale) / ratio}px`;
    line.style.top = `${top / ratio}px`;
    line.style.height = `${(height * scale) / ratio}px`;
  }

  /** Show the whole picture again. */
  fit() {
    this.#fit();
    this.draw();
  }

  #fit() {
    this.#zoom = 1;
    this.#middle = { x: 0.5, y: 0.5 };
  }

  /**
   * @param {number} factor
   * @param {{clientX: number, clientY: number}} [about] what stays where it is; the middle by default
   */
  zoom(factor, about) {
    const before = about && this.#pointed(about);
    this.#zoom = Math.min(Math.max(this.#zoom * factor, 1), MOST_ZOOM);
    const after = about && this.#pointed(about);
    if (before && after) this.#shift(before.x - after.x, before.y - after.y);
    else this.#shift(0, 0);
  }

  #shift(/** @type {number} */ x, /** @type {number} */ y) {
    const placement = this.#placement();
    if (placement === undefined || this.#picture === undefined) return;
    const { width, height } = this.#canvasSize();
    const within = (/** @type {number} */ at, /** @type {number} */ seen) =>
      seen >= 1 ? 0.5 : Math.min(Math.max(at, seen / 2), 1 - seen / 2);
    this.#middle = {
      x: within(this.#middle.x + x, width / (this.#picture.width * placement.scale)),
      y: within(this.#middle.y + y, height / (this.#picture.height * placement.scale)),
    };
    this.draw();
  }

  #canvasSize() {
    const { clientWidth, clientHeight } = this.parts.area;
    const ratio = globalThis.devicePixelRatio;
    return { width: Math.round(clientWidth * ratio), height: Math.round(clientHeight * ratio) };
  }

  /** @returns {Placement | undefined} */
  #placement() {
    const picture = this.#picture;
    if (picture === undefined) return undefined;
    const { width, height } = this.#canvasSize();
    const scale = Math.min(width / picture.width, height / picture.height) * this.#zoom;
    const left = Math.round(width / 2 - this.#middle.x * picture.width * scale);
    const top = Math.round(height / 2 - this.#middle.y * picture.height * scale);
    return { scale, left, top };
  }

  /** Where a pointer is, as shares of the picture. */
  #pointed(/** @type {{clientX: number, clientY: number}} */ { clientX, clientY }) {
    const placement = this.#placement();
    if (placement === undefined || this.#picture === undefined) return undefined;
    const { left, top } = this.parts.area.getBoundingClientRect();
    const ratio = globalThis.devicePixelRatio;
    return {
      x: ((clientX - left) * ratio - placement.left) / (placement.scale * this.#picture.width),
      y: ((clientY - top) * ratio - placement.top) / (placement.scale * this.#picture.height),
    };
  }

  #press(/** @type {PointerEvent} */ event) {
    if (event.target !== this.#renderer?.canvas) return;
    this.#pointers.set(event.pointerId, event);
    this.#dividing = this.#pointers.size === 1 && this.#isAtDivider(event);
    this.#renderer?.canvas.setPointerCapture(event.pointerId);
  }

  #isAtDivider(/** @type {PointerEvent} */ event) {
    const at = this.#pointed(event);
    const placement = this.#placement();
    if (!at || !placement || !this.#picture || !this.parts.look.divider) return false;
    const distance = Math.abs(at.x - this.parts.look.divider) * this.#picture.width;
    return (distance * placement.scale) / globalThis.devicePixelRatio < GRASP;
  }

  #move(/** @type {PointerEvent} */ event) {
    const at = this.#pointed(event);
    if (at === undefined) return;
    const held = this.#pointers.get(event.pointerId);
    if (held === undefined) return this.#point(event, at);
    const was = this.#pointed(held) ?? at;
    const before = [...this.#pointers.values()];
    this.#pointers.set(event.pointerId, event);
    const [one, two] = this.#pointers.values();
    if (this.#dividing) this.parts.onDivider(Math.min(Math.max(at.x, 0.001), 1));
    else if (two) this.zoom(distance(one, two) / distance(before[0], before[1]), middle(one, two));
    else this.#shift(was.x - at.x, was.y - at.y);
  }

  #release(/** @type {PointerEvent} */ event) {
    if (this.#pointers.delete(event.pointerId) && event.pointerType !== "mouse") {
      const at = this.#pointed(event);
      if (at) this.#point(event, at); // a finger names what it touched
    } else if (event.type === "pointerleave") {
      this.parts.tip.hidden = true;
    }
    this.#dividing = false;
  }

  /** Name the class beneath the pointer. */
  #point(/** @type {PointerEvent} */ { clientX, clientY }, /** @type {{x: number, y: number}} */ { x, y }) {
    const { tip, area } = this.parts;
    const labels = this.#result?.labels;
    tip.hidden = labels === undefined || x < 0 || y < 0 || x >= 1 || y >= 1;
    if (tip.hidden || labels === undefined) return;
    const id = labels.ids[Math.floor(y * labels.height) * labels.width + Math.floor(x * labels.width)];
    const { name, color_rgb } = this.#classes[id];
    tip.textContent = name;
    tip.style.setProperty("--swatch", `rgb(${color_rgb.join(" ")})`);
    const bounds = area.getBoundingClientRect();
    const free = bounds.width - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(clientX - bounds.left + 14, free))}px`;
    tip.style.top = `${Math.max(4, clientY - bounds.top - tip.offsetHeight - 10)}px`;
  }

  #wheel(/** @type {WheelEvent} */ event) {
    if (this.#picture === undefined) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event);
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const step = 0.1 / this.#zoom;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.fit(),
      ArrowLeft: () => this.#shift(-step, 0),
      ArrowRight: () => this.#shift(step, 0),
      ArrowUp: () => this.#shift(0, -step),
      ArrowDown: () => this.#shift(0, step),
    };
    const action = keys[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }
}

function distance(/** @type {PointerEvent} */ one, /** @type {PointerEvent} */ two) {
  return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
}

function middle(/** @type {PointerEvent} */ one, /** @type {PointerEvent} */ two) {
  return { clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2 };
}
