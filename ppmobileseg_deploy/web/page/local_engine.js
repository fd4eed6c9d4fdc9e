// Pictures to labels on this device: the page's side of the worker.

/** @import { Device, Engine, Reply, Request } from "./types.js" */

/** Start a worker and load the model into it. @returns {Promise<Engine>} */
export async function openLocal(/** @type {Device} */ device, /** @type {number} */ threads) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  /** @type {{resolve: (result: any) => void, reject: (error: Error) => void}[]} */
  const waiting = [];
  /** @type {Error | undefined} */
  let ended;

  function end(/** @type {Error} */ reason) {
    ended = reason;
    worker.terminate();
    for (const { reject } of waiting.splice(0)) reject(reason);
  }

  /** @returns {Promise<any>} */
  function ask(/** @type {Request} */ request) {
    return new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      waiting.push({ resolve, reject });
      worker.postMessage(request);
    });
  }

  worker.addEventListener("message", (/** @type {MessageEvent<Reply>} */ { data }) => {
    const { resolve, reject } = waiting.shift() ?? {};
    if (data.error === undefined) resolve?.(data.result);
    else reject?.(new Error(data.error));
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    end(new Error(event.message || "the worker does not start"));
  });
  await ask({ kind: "open", device, threads }).catch((error) => {
    end(error);
    throw error;
  });
  const many = threads === 1 ? "1 thread" : `${threads} threads`;
  return {
    name: device === "wasm" ? `WebAssembly, ${many}` : "WebGPU",
    segment: (picture) => ask({ kind: "segment", picture }),
    close: () => end(new Error("it was closed")),
  };
}
