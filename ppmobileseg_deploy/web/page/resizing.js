// The size of the network's input, and pixels in that size: what the Python runtime does, number by number.

/** @import { ChannelOrder, ResizeRule, Size } from "./types.js" */

const COEFFICIENT_BITS = 11; // of OpenCV's fixed-point bilinear resizing of bytes
const ONE = 1 << COEFFICIENT_BITS;

/** @type {Record<ChannelOrder, number[]>} */
const CHANNELS = { rgb: [0, 1, 2], bgr: [2, 1, 0], rgba: [0, 1, 2, 3], bgra: [2, 1, 0, 3] };

/** The size that a picture is scaled to. */
export function inputSize(/** @type {Size} */ { height, width }, /** @type {ResizeRule} */ resize) {
  const { rule, size_multiple } = resize;
  let size = { height, width };
  if (resize.scaling === "stretched") {
    size = { height: resize.stretched_hw[0], width: resize.stretched_hw[1] };
  } else if (resize.scaling === "sides") {
    const scale = Math.min(
      resize.long_side / Math.max(height, width),
      resize.short_side / Math.min(height, width),
    );
    const round = rule === "paddleseg" ? halfToEven : halfUp;
    size = {
      height: Math.max(1, round(height * scale)),
      width: Math.max(1, round(width * scale)),
    };
  }
  if (rule !== "paddleseg") return size; // the file pads
  const stretch = (/** @type {number} */ side) => Math.ceil(side / size_multiple) * size_multiple;
  return { height: stretch(size.height), width: stretch(size.width) };
}

/**
 * Scale pixels bilinearly, as OpenCV does it with bytes, to (height, width, channels).
 * @type {(pixels: ImageData, size: Size, order: ChannelOrder) => Uint8Array}
 */
export function resized(pixels, { height, width }, order) {
  const channels = CHANNELS[order];
  const columns = taps(pixels.width, width);
  const rows = taps(pixels.height, height);
  const scaled = new Uint8Array(height * width * channels.length);
  const line = width * channels.length;
  /** @type {Map<number, Int32Array>} */
  const lines = new Map();
  const lineOf = (/** @type {number} */ row) => {
    let found = lines.get(row);
    if (found === undefined) {
      found = across(pixels, row, columns, channels);
      lines.set(row, found);
    }
    return found;
  };
  for (let y = 0; y < height; y++) {
    const first = rows.first[y];
    const upper = lineOf(first);
    const lower = lineOf(rows.second[y]);
    const weight = rows.weight[y];
    for (let i = 0; i < line; i++) {
      // The sum of both halves is rounded once, after two shifts that OpenCV has for its registers.
      const above = ((ONE - weight) * (upper[i] >> 4)) >> 16;
      const below = (weight * (lower[i] >> 4)) >> 16;
      scaled[y * line + i] = (above + below + 2) >> 2;
    }
    for (const row of lines.keys()) if (row < first) lines.delete(row);
  }
  return scaled;
}

/** @type {(pixels: ImageData, row: number, columns: ReturnType<typeof taps>, channels: number[]) => Int32Array} */
function across(pixels, row, { first, second, weight }, channels) {
  const line = new Int32Array(first.length * channels.length);
  const { data, width } = pixels;
  const start = row * width * 4;
  for (let x = 0, i = 0; x < first.length; x++) {
    const left = start + first[x] * 4;
    const right = start + second[x] * 4;
    for (const channel of channels) {
      line[i++] = data[left + channel] * (ONE - weight[x]) + data[right + channel] * weight[x];
    }
  }
  return line;
}

/** Between which two source pixels each target pixel lies, and the weight of the second. */
function taps(/** @type {number} */ source, /** @type {number} */ target) {
  const first = new Int32Array(target);
  const second = new Int32Array(target);
  const weight = new Int32Array(target);
  for (let i = 0; i < target; i++) {
    const at = Math.min(Math.max(((i + 0.5) * source) / target - 0.5, 0), source - 1);
    first[i] = Math.floor(at);
    second[i] = Math.min(first[i] + 1, source - 1);
    weight[i] = Math.round((at - first[i]) * ONE);
  }
  return { first, second, weight };
}

function halfUp(/** @type {number} */ value) {
  return Math.floor(value + 0.5);
}

function halfToEven(/** @type {number} */ value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
