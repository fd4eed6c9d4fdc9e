// What this browser can compute with, and why not with more.

/** @import { Engine } from "./types.js" */

const MOST_THREADS = 8;

/** How many threads WebAssembly gets, and the reason where it is one. */
export function threads() {
  const cores = navigator.hardwareConcurrency || 1;
  if (!globalThis.isSecureContext) {
    return { count: 1, reason: "One thread: browsers give more to pages of https or localhost only." };
  }
  if (!globalThis.crossOriginIsolated) {
    return {
      count: 1,
      reason: "One thread: this server does not send the headers COOP and COEP that more need.",
    };
  }
  if (cores === 1) return { count: 1, reason: "One thread: this device has one core." };
  // Of more than two cores half: the others are often a core's second thread, or slow ones of a phone.
  const count = Math.min(MOST_THREADS, Math.max(2, Math.ceil(cores / 2)));
  return { count, reason: `${count} threads of ${cores} that this device runs at once.` };
}

/**
 * Whether there is a graphics processor to compute with.
 *
 * @returns {Promise<{worthTrying: boolean, reason: string}>}
 */
export async function webgpu() {
  const no = { worthTrying: false };
  // TypeScript's own DOM library does not know WebGPU everywhere.
  const { gpu } = /** @type {any} */ (navigator);
  if (gpu === undefined) {
    const reason = globalThis.isSecureContext
      ? "No WebGPU: this browser has none."
      : "No WebGPU: browsers give it to pages of https or localhost only.";
    return { ...no, reason };
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (adapter === null) {
    return { ...no, reason: "No WebGPU: this browser finds no graphics processor for it." };
  }
  const { vendor = "", architecture = "", description = "", isFallbackAdapter } = adapter.info ?? {};
  const software = Boolean(isFallbackAdapter) || architecture === "swiftshader";
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "unnamed";
  if (software) return { ...no, reason: `WebGPU is emulated by the processor here (${name}).` };
  if (/** @type {any} */ (navigator).connection?.saveData) {
    return { ...no, reason: "WebGPU was not tried: this browser is set to save data." };
  }
  return { worthTrying: true, reason: `WebGPU: ${name}.` };
}

/** How long an engine takes for a picture once it is warm. */
export async function measure(/** @type {Engine} */ engine, /** @type {ImageBitmap} */ picture) {
  await engine.segment(picture);
  const { ms } = await engine.segment(picture);
  return ms.network + ms.labels;
}
