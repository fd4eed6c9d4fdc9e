// Pictures to labels on a server that speaks the Open Inference Protocol, as `ppms serve` does.

/** @import { Engine } from "./types.js" */

const JSON_BYTES = "Inference-Header-Content-Length";
const QUALITY = 0.95;
const TRIES = 5;

/** @returns {Engine} */
export function openRemote(/** @type {string} */ address, /** @type {number} */ classCount) {
  const closing = new AbortController();
  return {
    name: "this page's server",
    async segment(picture) {
      const start = performance.now();
      const body = request(await jpeg(picture));
      const encoded = performance.now();
      const response = await answered(address, body, closing.signal);
      const content = await response.arrayBuffer();
      const arrived = performance.now();
      const ids = labels(content, Number(response.headers.get(JSON_BYTES)));
      const counts = new Uint32Array(classCount);
      for (const id of ids) counts[id]++;
      return {
        labels: { ids, height: picture.height, width: picture.width },
        counts,
        field: null,
        ms: { encode: encoded - start, server: arrived - encoded, count: performance.now() - arrived },
      };
    },
    close: () => closing.abort(new Error("it was closed")),
  };
}

async function jpeg(/** @type {ImageBitmap} */ picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white";
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

function request(/** @type {Blob} */ image) {
  const size = new DataView(new ArrayBuffer(4)); // before each element of a tensor of bytes
  size.setUint32(0, image.size, true);
  const parameters = { binary_data_size: 4 + image.size };
  const head = JSON.stringify({
    inputs: [{ name: "image", shape: [1], datatype: "BYTES", parameters }],
    outputs: [{ name: "labels", parameters: { binary_data: true } }],
  });
  return { head: head.length, blob: new Blob([head, size, image]) };
}

/** Send a picture, again where the server had no place for it. */
async function answered(
  /** @type {string} */ address,
  /** @type {{head: number, blob: Blob}} */ { head, blob },
  /** @type {AbortSignal} */ signal,
) {
  for (let tries = 1; ; tries++) {
    const headers = { [JSON_BYTES]: String(head) };
    const response = await fetch(address, { method: "POST", headers, body: blob, signal });
    if (response.ok) return response;
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status !== 503 || tries === TRIES) {
      const { error } = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
      throw new Error(error);
    }
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

/** @returns {Uint8Array | Int32Array} */
function labels(/** @type {ArrayBuffer} */ content, /** @type {number} */ head) {
  const { outputs } = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 0, head)));
  const bytes = new Uint8Array(content, head);
  if (outputs[0].datatype === "UINT8") return bytes;
  return Int32Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i] + 256 * bytes[2 * i + 1]);
}
