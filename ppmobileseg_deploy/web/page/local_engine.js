// Pictures to labels on this device: the page's side of the worker.

/** @import { Device, Engine, Reply, Request, Result } from "./types.js" */

/** @type {Record<Device, string>} */
const NAMES = { wasm: "WebAssembly", webgpu: "WebGPU" };

/**
 * Start a worker and load the model into it.
 *
 * @param {Device} device
 * @param {number} threads
 * @returns {Promise<Engine>}
 */
export async function openLocal(device, threads) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let last = 0;
  /** @type {Error | undefined} */
  let broken;

  worker.addEventListener("message", (/** @type {MessageEvent<Reply>} */ { data }) => {
    const { resolve, reject } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error === undefined) resolve?.(data.result);
    else reject?.(new Error(data.error));
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    fail(new Error(event.message || "the worker does not start"));
  });

  /** @param {Error} error */
  function fail(error) {
    broken = error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  /**
   * @param {(id: number) => Request} request
   * @returns {Promise<any>}
   */
  function ask(request) {
    return new Promise((resolve, reject) => {
      if (broken !== undefined) {
        reject(broken);
        return;
      }
      waiting.set(++last, { resolve, reject });
      worker.postMessage(request(last));
    });
  }

  try {
    await ask((id) => ({ kind: "open", id, device, threads }));
  } catch (error) {
    worker.terminate();
    throw error;
  }
  const many = threads === 1 ? "1 thread" : `${threads} threads`;
  return {
    name: device === "wasm" ? `${NAMES.wasm}, ${many}` : NAMES.webgpu,
    givesField: true,
    /**
     * @param {ImageBitmap} picture
     * @returns {Promise<Result>}
     */
    segment: (picture) => ask((id) => ({ kind: "segment", id, picture })),
    close: () => fail(new Error("it was closed")),
  };
}
