// The worker: pictures in, labels out. Everything that takes time happens here, so that the page never waits.

import { winning } from "./candidates.js";
import { inputSize, resized } from "./resizing.js";

/** @import { InferenceSession } from "onnxruntime-common" */
/** @import { Device, Open, Reply, Request, Result, Sidecar, Size } from "./types.js" */

const RUNTIME = {
  wasm: { script: "ort.wasm.min.js", binary: "ort-wasm-simd-threaded" },
  webgpu: { script: "ort.webgpu.min.js", binary: "ort-wasm-simd-threaded.asyncify" },
};

/** @typedef {typeof import("onnxruntime-common")} Ort */
/** @typedef {{Tensor: Ort["Tensor"], session: InferenceSession}} Loaded a file, and what makes its inputs */
/** @typedef {{sidecar: Sidecar, network: Loaded, head: Loaded}} Model */

/** @type {Model | undefined} */
let model;
let canvas = new OffscreenCanvas(1, 1);

/** @returns {Promise<Model>} */
async function open(/** @type {Open} */ { device, threads }) {
  /** @type {Sidecar} */
  const sidecar = JSON.parse(new TextDecoder().decode(await fetched("end2end.json")));
  const { file } = sidecar.model;
  const [network, head] = await Promise.all([
    load(file, device, threads),
    // The runtime that has WebGPU lacks some of the head's operators.
    load(file.replace(/\.onnx$/, ".labels.onnx"), "wasm", threads),
  ]);
  return { sidecar, network, head };
}

/** @returns {Promise<Loaded>} */
async function load(/** @type {string} */ file, /** @type {Device} */ device, /** @type {number} */ threads) {
  const { script, binary } = RUNTIME[device];
  const folder = new URL("onnxruntime/", import.meta.url);
  const content = fetched(file);
  /** @type {Ort} */
  const { env, InferenceSession, Tensor } = await import(new URL(script, folder).href);
  env.wasm.numThreads = threads;
  env.wasm.wasmPaths = {
    mjs: new URL(`${binary}.js`, folder).href,
    wasm: new URL(`${binary}.wasm`, folder).href,
  };
  const session = await InferenceSession.create(await content, {
    executionProviders: [device],
    logSeverityLevel: 3, // errors; that WebGPU leaves some nodes to the processor is none
  });
  return { Tensor, session };
}

async function fetched(/** @type {string} */ name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} cannot be loaded (HTTP ${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @returns {Promise<Result>} */
async function segment(/** @type {Model} */ { sidecar, network, head }, /** @type {ImageBitmap} */ picture) {
  const began = performance.now();
  const pixels = read(picture);
  const wasRead = performance.now();

  const { channel_order, name } = sidecar.input;
  const size = inputSize(pixels, sidecar.resize);
  const bytes = resized(pixels, size, channel_order);
  const shape = [1, size.height, size.width, channel_order.length];
  const wasScaled = performance.now();

  const input = new network.Tensor("uint8", bytes, shape);
  const output = await network.session.run({ [name]: input });
  const logits = output[sidecar.outputs[0].name];
  const [, classes, height, width] = logits.dims;
  const values = /** @type {Float32Array} */ (logits.data);
  const wasRun = performance.now();

  const sides = (/** @type {Size} */ { height, width }) =>
    new head.Tensor("int64", BigInt64Array.of(BigInt(height), BigInt(width)), [2]);
  const { labels } = await head.session.run({
    logits: new head.Tensor("float32", values, logits.dims),
    resized_hw: sides(size),
    size_hw: sides(pixels),
  });
  const ids = /** @type {Uint8Array | Int32Array} */ (labels.data).slice();
  const counts = new Uint32Array(sidecar.classes.length);
  for (let i = 0; i < ids.length; i++) counts[ids[i]]++;
  const { stride } = sidecar.model;
  const shown = { height: size.height / stride, width: size.width / stride };
  const field = winning(values, classes, { height, width }, shown);
  const ended = performance.now();
  return {
    labels: { ids, height: pixels.height, width: pixels.width },
    counts,
    field,
    ms: {
      read: wasRead - began,
      scale: wasScaled - wasRead,
      network: wasRun - wasScaled,
      labels: ended - wasRun,
    },
  };
}

function read(/** @type {ImageBitmap} */ picture) {
  const { height, width } = picture;
  if (canvas.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (context === null) throw new Error("this browser gives no canvas of the picture's size");
  context.fillStyle = "white"; // beneath what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  picture.close();
  return context.getImageData(0, 0, width, height);
}

async function answer(/** @type {Request} */ request) {
  try {
    if (request.kind === "open") {
      model = await open(request);
      reply({});
    } else if (model !== undefined) {
      const result = await segment(model, request.picture);
      reply({ result }, [result.labels.ids, result.field?.texels].flatMap((each) => each?.buffer ?? []));
    }
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
}

function reply(/** @type {Reply} */ reply, /** @type {Transferable[]} */ transfer = []) {
  self.postMessage(reply, { transfer });
}

/** One at a time: a session cannot be run while it runs. */
let last = Promise.resolve();
self.addEventListener("message", (/** @type {MessageEvent<Request>} */ { data }) => {
  last = last.then(() => answer(data));
});
