// The page: what its buttons do, and what it says.

import { overlay } from "./colouring.js";
import { measure, threads, webgpu } from "./devices.js";
import { Legend, present } from "./legend.js";
import { openLocal } from "./local_engine.js";
import { openRemote } from "./remote_engine.js";
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
/** @type {{picture: ImageBitmap, name: string, note: string, result: Result | null, failed: boolean} | undefined} */
let shown;
/** Which choice of a device counts: the last one. */
let choice = 0;
/** Why some things are not to be had, by what they are about. @type {Map<string, string>} */
const reasons = new Map();

function withText(/** @type {string} */ tag, /** @type {string} */ text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function complain(/** @type {unknown} */ error) {
  failure.textContent = reason(error);
  failure.hidden = false;
}

function reason(/** @type {unknown} */ error) {
  return error instanceof Error ? error.message : String(error);
}

function say(/** @type {string} */ text) {
  if (status.textContent !== text) status.textContent = text;
}

/** Show a picture and segment it. */
async function open(/** @type {Blob} */ blob, /** @type {string} */ name) {
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

function replace(/** @type {ImageBitmap} */ picture, /** @type {string} */ name, /** @type {string} */ note) {
  const old = shown?.picture;
  shown = { picture, name, note, result: null, failed: false };
  stage.show(picture, null, name);
  old?.close();
  element("empty", HTMLDivElement).hidden = true;
  element("zoom", HTMLDivElement).hidden = false;
}

async function segmentShown() {
  const subject = shown;
  const used = engine;
  if (subject === undefined || used === undefined || subject.failed) return; // or once the model is there
  const mine = wish;
  say("Segmenting …");
  try {
    const result = await used.segment(subject.picture);
    if (mine !== wish || subject !== shown) return;
    showResult(result);
    const { length } = present(sidecar.classes, result.counts);
    say(`${length === 1 ? "1 class" : `${length} classes`} in ${total(result)} ms. ${subject.note}`.trim());
  } catch (error) {
    if (used !== engine || mine !== wish) return; // another engine does it, or another picture came
    subject.failed = true;
    say("");
    complain(new Error(`This picture could not be segmented: ${reason(error)}`));
    await useDevice(); // a new worker: an exhausted memory stays exhausted
  }
}

function total(/** @type {Result} */ result) {
  return Math.round(Object.values(result.ms).reduce((sum, ms) => sum + ms, 0));
}

function showResult(/** @type {Result} */ result) {
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

function showTimes(/** @type {Record<string, number | string>} */ times) {
  element("times", HTMLDListElement).replaceChildren(
    ...Object.entries(times).map(([stage, time]) => {
      const row = document.createElement("div");
      const text = typeof time === "number" ? `${time.toFixed(time < 10 ? 1 : 0)} ms` : time;
      row.append(withText("dt", stage), withText("dd", text));
      return row;
    }),
  );
}

function isolate(/** @type {number | null} */ id) {
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
  if (camera.isOn) return stopCamera();
  const mine = ++wish;
  try {
    await camera.start();
    if (mine !== wish) return camera.stop();
    element("camera", HTMLButtonElement).setAttribute("aria-pressed", "true");
    say("The camera is on.");
    await film(mine);
  } catch (error) {
    complain(error);
    stopCamera();
  }
}

async function film(/** @type {number} */ mine) {
  let before = performance.now();
  let perSecond = 0;
  for (;;) {
    const picture = await camera.frame();
    if (picture === undefined || mine !== wish) return picture?.close();
    const used = engine;
    if (used === undefined) {
      replace(picture, "camera", ""); // until the model is there
      continue;
    }
    let result;
    try {
      result = await used.segment(picture);
    } catch (error) {
      picture.close();
      if (used !== engine) continue; // another device was chosen
      throw error;
    }
    if (mine !== wish) return picture.close();
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

async function save(/** @type {(result: Result, stem: string) => Promise<[Blob, string]>} */ make) {
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

/** @returns {Blob} */
function record(/** @type {Result} */ { labels, counts, ms }) {
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
  const mine = ++choice;
  const wanted = device.value;
  change(undefined);
  showWhere(wanted === "server");
  if (wanted === "server" && sidecar.server !== undefined) {
    reasons.delete("choice");
    reasons.delete("threads");
    reasons.delete("webgpu");
    change(openRemote(sidecar.server.infer, sidecar.classes.length));
    say("Ready.");
    await segmentShown();
    return;
  }
  const available = threads();
  const gpu = await webgpu();
  reasons.delete("choice");
  reasons.set("threads", available.reason).set("webgpu", gpu.reason);
  showReasons();
  try {
    const opened = await openLocal(wanted === "webgpu" ? "webgpu" : "wasm", available.count);
    if (mine !== choice) return opened.close();
    change(opened);
    say("Ready.");
    await segmentShown();
    if (wanted === "auto" && gpu.worthTrying) await takeFaster(opened, available.count, mine);
  } catch (error) {
    if (mine !== choice) return;
    say("");
    complain(new Error(`The model cannot be run: ${reason(error)}`));
  }
}

function showWhere(/** @type {boolean} */ isRemote) {
  element("privacy", HTMLElement).textContent = isRemote
    ? "Pictures are sent to this page's server."
    : "Pictures stay on this device.";
  element("sent", HTMLParagraphElement).textContent = isRemote
    ? "The model runs on the server that showed this page. It keeps no picture and no result."
    : "The model runs in this browser. No picture, camera frame or result is sent anywhere.";
}

/** Offer the page's server, where there is one; where nothing else can compute, nothing else. */
function offerServer() {
  if (sidecar.server === undefined) return;
  for (const option of device.options) {
    const isServer = option.value === "server";
    option.hidden = option.disabled = isServer ? false : sidecar.server.only;
  }
  device.value = "server";
}

function change(/** @type {Engine | undefined} */ opened) {
  engine?.close();
  engine = opened;
  showReasons();
}

async function takeFaster(/** @type {Engine} */ current, /** @type {number} */ count, /** @type {number} */ mine) {
  /** @type {Engine | undefined} */
  let other;
  try {
    other = await openLocal("webgpu", count);
    const picture = await createImageBitmap(new ImageData(512, 512));
    const [now, then] = [await measure(current, picture), await measure(other, picture)];
    if (mine !== choice) return other.close();
    reasons.set("choice", `Measured: WebAssembly ${Math.round(now)} ms, WebGPU ${Math.round(then)} ms.`);
    if (then < now) {
      change(other);
      if (!camera.isOn) await segmentShown();
      return;
    }
  } catch (error) {
    if (mine === choice) reasons.set("choice", `No WebGPU: it failed (${reason(error)}).`);
  }
  other?.close();
  showReasons();
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
    ...lines.flatMap((text) => (text ? [withText("li", text)] : [])),
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

function take(/** @type {DataTransfer | null} */ data) {
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
  reasons.set("drawing", stage.prepare(sidecar.classes));
  offerServer();
  await useDevice();
} catch (error) {
  say("");
  complain(error);
}
