// The page: what its buttons do, and what it says.

import { overlay } from "./colouring.js";
import { measure, threads, webgpu } from "./devices.js";
import { Legend, present } from "./legend.js";
import { openLocal } from "./local_engine.js";
import { Camera, readPicture } from "./pictures.js";
import { labelsPng } from "./png.js";
import { Stage } from "./stage.js";

/** @import { Engine, Look, Result, Sidecar } from "./types.js" */

const EXAMPLE = "example.jpg";

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} ${id}`);
  return found;
}

const status = element("status", HTMLParagraphElement);
const failure = element("error", HTMLParagraphElement);
const file = element("file", HTMLInputElement);
const opacity = element("opacity", HTMLInputElement);
const divider = element("divider", HTMLInputElement);
const wipe = element("wipe", HTMLInputElement);
const contours = element("contours", HTMLInputElement);
const device = element("device", HTMLSelectElement);

/** @type {Look} */
const look = { opacity: 0.6, contours: false, isolated: null, divider: 0 };
const camera = new Camera();
const stage = new Stage({
  area: element("stage", HTMLElement),
  tip: element("tip", HTMLDivElement),
  line: element("line", HTMLDivElement),
  look,
  onDivider: (share) => {
    divider.value = String(Math.round(share * 1000));
    changeLook();
  },
});
const legend = new Legend(element("legend", HTMLUListElement), (id) => isolate(id));

/** @type {Sidecar} */
let sidecar;
/** @type {Engine | undefined} */
let engine;
/** What was asked for last; whatever comes of an earlier wish is dropped. */
let wish = 0;
/** @type {{picture: ImageBitmap, name: string, note: string, result: Result | null} | undefined} */
let shown;
/** Why some things are not to be had, by what they are about. @type {Map<string, string>} */
const reasons = new Map();

/** @param {unknown} error */
function complain(error) {
  failure.textContent = error instanceof Error ? error.message : String(error);
  failure.hidden = false;
}

/** @param {string} text */
function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

/**
 * Show a picture and segment it.
 *
 * @param {Blob} blob
 * @param {string} name
 */
async function open(blob, name) {
  failure.hidden = true;
  stopCamera();
  const mine = ++wish;
  try {
    const { picture, note } = await readPicture(blob, name);
    if (mine !== wish) return;
    replace(picture, name, note);
    await segmentShown();
  } catch (error) {
    if (mine === wish) complain(error);
  }
}

/**
 * @param {ImageBitmap} picture
 * @param {string} name
 * @param {string} note
 */
function replace(picture, name, note) {
  const old = shown?.picture;
  shown = { picture, name, note, result: null };
  stage.show(picture, null, name);
  old?.close();
  element("empty", HTMLDivElement).hidden = true;
  element("zoom", HTMLDivElement).hidden = false;
}

async function segmentShown() {
  if (shown === undefined || engine === undefined) return; // done once the model is there
  const mine = wish;
  const subject = shown;
  say("Segmenting …");
  try {
    const result = await engine.segment(subject.picture);
    if (mine !== wish || subject !== shown) return;
    showResult(result);
    const { length } = present(sidecar.classes, result.counts);
    say(`${length === 1 ? "1 class" : `${length} classes`} in ${total(result)} ms. ${subject.note}`.trim());
  } catch (error) {
    if (mine !== wish) return;
    say("");
    complain(new Error(`This picture could not be segmented: ${error instanceof Error ? error.message : error}`));
    engine.close();
    engine = undefined; // an exhausted memory stays exhausted
    void useDevice();
  }
}

/** @param {Result} result */
function total(result) {
  return Math.round(Object.values(result.ms).reduce((sum, ms) => sum + ms, 0));
}

/** @param {Result} result */
function showResult(result) {
  if (shown === undefined) return;
  shown.result = result;
  const classes = present(sidecar.classes, result.counts);
  if (!classes.some(({ id }) => id === look.isolated)) look.isolated = null;
  const names = classes.slice(0, 5).map(({ name, share }) => `${name} ${Math.round(share * 100)} %`);
  stage.show(shown.picture, result, `${shown.name}: ${names.join(", ")}`);
  legend.show(classes, look.isolated);
  for (const id of ["view", "classes", "save"]) element(id, HTMLElement).hidden = false;
  element("all", HTMLButtonElement).hidden = look.isolated === null;
  showTimes({ ...result.ms, total: total(result) });
}

/** @param {Record<string, number | string>} times */
function showTimes(times) {
  element("times", HTMLDListElement).replaceChildren(
    ...Object.entries(times).map(([stage, time]) => {
      const row = document.createElement("div");
      const [term, value] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = stage;
      value.textContent = typeof time === "number" ? `${time.toFixed(time < 10 ? 1 : 0)} ms` : time;
      row.append(term, value);
      return row;
    }),
  );
}

/** @param {number | null} id */
function isolate(id) {
  look.isolated = look.isolated === id ? null : id;
  if (shown?.result) legend.show(present(sidecar.classes, shown.result.counts), look.isolated);
  element("all", HTMLButtonElement).hidden = look.isolated === null;
  stage.draw();
}

function changeLook() {
  look.opacity = Number(opacity.value) / 100;
  look.contours = contours.checked;
  look.divider = wipe.checked ? Number(divider.value) / 1000 : 0;
  element("opacity-value", HTMLOutputElement).textContent = `${opacity.value} %`;
  element("divider-row", HTMLLabelElement).hidden = !wipe.checked;
  stage.draw();
}

async function toggleCamera() {
  failure.hidden = true;
  if (camera.isOn) {
    stopCamera();
    return;
  }
  const mine = ++wish;
  try {
    await camera.start();
  } catch (error) {
    complain(error);
    return;
  }
  if (mine !== wish) return camera.stop();
  element("camera", HTMLButtonElement).setAttribute("aria-pressed", "true");
  say("The camera is on.");
  try {
    await film(mine);
  } catch (error) {
    complain(error);
    stopCamera();
  }
}

/** @param {number} mine */
async function film(mine) {
  let before = performance.now();
  let perSecond = 0;
  for (;;) {
    const picture = await camera.frame();
    if (picture === undefined || mine !== wish) return picture?.close();
    const result = await engine?.segment(picture);
    if (mine !== wish || result === undefined) return picture.close();
    const now = performance.now();
    const current = 1000 / (now - before);
    perSecond = perSecond === 0 ? current : perSecond * 0.8 + current * 0.2;
    before = now;
    replace(picture, "camera", "");
    showResult(result);
    showTimes({ ...result.ms, "frames a second": perSecond.toFixed(1) });
  }
}

function stopCamera() {
  if (!camera.isOn) return;
  wish++;
  camera.stop();
  element("camera", HTMLButtonElement).setAttribute("aria-pressed", "false");
  say("The camera is off.");
}

async function openExample() {
  const response = await fetch(EXAMPLE);
  if (!response.ok) complain(new Error(`There is no ${EXAMPLE} beside this page.`));
  else await open(await response.blob(), EXAMPLE);
}

/** @param {(result: Result, stem: string) => Promise<[Blob, string]>} make */
async function save(make) {
  if (!shown?.result) return;
  try {
    const [blob, name] = await make(shown.result, shown.name.replace(/\.[^.]*$/, "") || "picture");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    complain(error);
  }
}

/**
 * @param {Result} result
 * @returns {Blob}
 */
function record({ labels, counts, ms }) {
  const { file, sha256 } = sidecar.model;
  const record = {
    image: { source: shown?.name, height: labels.height, width: labels.width },
    model: { file, sha256 },
    speed_ms: ms,
    classes: present(sidecar.classes, counts),
  };
  return new Blob([JSON.stringify(record, null, 1)], { type: "application/json" });
}

/** Open the engine that was chosen, and segment what is shown. */
async function useDevice() {
  const choice = device.value;
  const { count, reason } = threads();
  reasons.set("threads", reason);
  const gpu = await webgpu();
  reasons.set("webgpu", gpu.reason);
  try {
    const first = choice === "webgpu" ? "webgpu" : "wasm";
    await change(await openLocal(first, count));
    if (choice === "auto" && gpu.usable && !gpu.software) await takeFaster(count);
  } catch (error) {
    say("");
    complain(new Error(`The model cannot be run: ${error instanceof Error ? error.message : error}`));
  }
  showReasons();
}

/** @param {Engine} opened */
async function change(opened) {
  engine?.close();
  engine = opened;
  reasons.set("drawing", stage.prepare(sidecar.classes, { plain: !opened.givesField }));
  showReasons();
  say("Ready.");
  await segmentShown();
}

/** @param {number} count */
async function takeFaster(count) {
  try {
    const other = await openLocal("webgpu", count);
    const picture = await createImageBitmap(new ImageData(512, 512));
    if (engine === undefined) return;
    const [now, then] = [await measure(engine, picture), await measure(other, picture)];
    reasons.set("choice", `Measured: WebAssembly ${Math.round(now)} ms, WebGPU ${Math.round(then)} ms.`);
    if (then < now) await change(other);
    else other.close();
  } catch (error) {
    reasons.set("choice", `No WebGPU: it failed (${error instanceof Error ? error.message : error}).`);
  }
}

function showReasons() {
  const drawing = reasons.get("drawing");
  const lines = [
    engine && `In use: ${engine.name}.`,
    reasons.get("choice"),
    reasons.get("threads"),
    reasons.get("webgpu"),
    drawing && `Borders are as sharp as the picture, not as the screen: ${drawing}.`,
  ];
  element("reasons", HTMLUListElement).replaceChildren(
    ...lines.filter(Boolean).map((text) => {
      const line = document.createElement("li");
      line.textContent = /** @type {string} */ (text);
      return line;
    }),
  );
}

/** @type {Record<string, () => void>} */
const actions = {
  open: () => file.click(),
  example: () => void openExample(),
  camera: () => void toggleCamera(),
  all: () => isolate(look.isolated),
  "zoom-in": () => stage.zoom(1.4),
  "zoom-out": () => stage.zoom(1 / 1.4),
  fit: () => stage.fit(),
  "save-labels": () => void save(async ({ labels }, stem) => [await labelsPng(labels), `${stem}_labels.png`]),
  "save-overlay": () =>
    void save(async ({ labels }, stem) => {
      const { picture } = /** @type {NonNullable<typeof shown>} */ (shown);
      const canvas = overlay(picture, labels, sidecar.classes, { ...look, divider: 0 });
      return [await canvas.convertToBlob({ type: "image/png" }), `${stem}_overlay.png`];
    }),
  "save-json": () => void save(async (result, stem) => [record(result), `${stem}_classes.json`]),
};

/** @param {DataTransfer | null} data */
function take(data) {
  const [given] = data?.files ?? [];
  if (given === undefined) complain(new Error("That was no file. Drop or paste a picture."));
  else void open(given, given.name || "pasted picture");
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("[data-action]") : null;
  if (button instanceof HTMLElement) actions[button.dataset.action ?? ""]?.();
});
file.addEventListener("change", () => {
  const [chosen] = file.files ?? [];
  if (chosen !== undefined) void open(chosen, chosen.name);
  file.value = ""; // so that the same one can be chosen again
});
for (const control of [opacity, divider, contours, wipe]) control.addEventListener("input", changeLook);
device.addEventListener("change", () => {
  reasons.delete("choice");
  failure.hidden = true;
  say("Loading the model …");
  void useDevice();
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && look.isolated !== null) isolate(look.isolated);
});
document.addEventListener("paste", (event) => take(event.clipboardData));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  take(event.dataTransfer);
});

element("no-script", HTMLParagraphElement).remove();
try {
  const response = await fetch("end2end.json");
  if (!response.ok) throw new Error(`end2end.json cannot be loaded (HTTP ${response.status}).`);
  sidecar = await response.json();
  await useDevice();
} catch (error) {
  say("");
  complain(error);
}
