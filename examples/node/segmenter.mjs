// From a picture of RGBA bytes, as canvases and PNG decoders give them, to class ids at its own size.
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";

/** @typedef {{data: Uint8Array, width: number, height: number}} Picture */

export class Segmenter {
  /**
   * Opens a model with its sidecar and its label head:
   * ppms-export CHECKPOINT --embed-preprocessing rgba --label-dtype uint8 --sidecar --label-head
   * @param {string} model Path of the ONNX file.
   */
  static async open(model) {
    const base = model.replace(/\.onnx$/, "");
    const sidecar = JSON.parse(await readFile(`${base}.json`, "utf8"));
    const { input, resize } = sidecar;
    if (sidecar.schema_version !== 1) {
      throw new Error(`expected a sidecar of schema version 1, found ${sidecar.schema_version}`);
    }
    if (input.channel_order !== "rgba") {
      throw new Error(`expected a file of --embed-preprocessing rgba, found ${input.channel_order}`);
    }
    if (resize.rule !== "mmseg" || resize.scaling !== "sides") {
      throw new Error(`expected the rule of a short and a long side, found ${resize.rule}, ${resize.scaling}`);
    }
    const network = await ort.InferenceSession.create(model);
    const head = await ort.InferenceSession.create(`${base}.labels.onnx`);
    return new Segmenter(sidecar, network, head);
  }

  constructor(sidecar, network, head) {
    this.classes = sidecar.classes; // [{id, name, color_rgb}, ...]
    this.input = sidecar.input;
    this.rule = sidecar.resize;
    this.network = network;
    this.head = head;
  }

  /**
   * @param {Picture} picture RGBA, 4 bytes a pixel.
   * @returns {Promise<Uint8Array | Int32Array>} A class id for every pixel, row by row; Int32Array for
   * more than 256 classes.
   */
  async segment(picture) {
    const { width, height } = picture;
    const scale = Math.min(
      this.rule.short_side / Math.min(width, height),
      this.rule.long_side / Math.max(width, height),
    );
    const side = (length) => Math.max(1, Math.floor(length * scale + 0.5));
    const resized = bilinear(picture, side(width), side(height));
    const tensor = new ort.Tensor("uint8", resized.data, [1, resized.height, resized.width, 4]);
    const { logits } = await this.network.run({ [this.input.name]: tensor }, ["logits"]);
    const sizes = (h, w) => new ort.Tensor("int64", BigInt64Array.of(BigInt(h), BigInt(w)), [2]);
    const { labels } = await this.head.run({
      logits,
      resized_hw: sizes(resized.height, resized.width),
      size_hw: sizes(height, width),
    });
    return labels.data;
  }
}

/**
 * Scales between the centres of pixels, without antialiasing, in whole numbers as OpenCV's INTER_LINEAR does: a
 * byte is at most one off Python's. Floating-point numbers would move more labels.
 * @param {Picture} picture
 * @returns {Picture}
 */
export function bilinear(picture, width, height) {
  const columns = samples(picture.width, width);
  const rows = samples(picture.height, height);
  const source = picture.data;
  const data = new Uint8Array(width * height * 4);
  let target = 0;
  for (const [above, below, upper, lower] of rows) {
    const top = above * picture.width;
    const bottom = below * picture.width;
    for (const [left, right, first, second] of columns) {
      for (let channel = 0; channel < 4; channel += 1) {
        const l = left * 4 + channel;
        const r = right * 4 + channel;
        const a = source[top * 4 + l] * first + source[top * 4 + r] * second;
        const b = source[bottom * 4 + l] * first + source[bottom * 4 + r] * second;
        data[target] = ((((a >> 4) * upper) >> 16) + (((b >> 4) * lower) >> 16) + 2) >> 2;
        target += 1;
      }
    }
  }
  return { data, width, height };
}

/** For each of `to` pixels the two of `from` that it lies between, and their weights in 2048ths. */
function samples(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const position = Math.fround((index + 0.5) * scale - 0.5);
    const first = Math.floor(position);
    if (first < 0) {
      return [0, 0, 2048, 0];
    }
    if (first >= from - 1) {
      return [from - 1, from - 1, 2048, 0];
    }
    const share = Math.fround(position - first);
    return [first, first + 1, Math.round(Math.fround(1 - share) * 2048), Math.round(share * 2048)];
  });
}
