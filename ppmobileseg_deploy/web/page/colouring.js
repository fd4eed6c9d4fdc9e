// A picture with the colours of its classes over it, at its own size, painted by the processor.

/** @import { ClassOfModel, Labels, Look } from "./types.js" */

/** How much of a picture's light is left outside the isolated class. */
export const DIMMED = 0.35;

/**
 * The colours that lie over a picture; blending them gives what `webgl_renderer.js` draws.
 * @type {(labels: Labels, classes: ClassOfModel[], look: Look) => ImageData}
 */
export function colours({ ids, height, width }, classes, look) {
  const colour = lookUp(classes, look);
  const painted = new ImageData(width, height);
  const pixels = new Uint32Array(painted.data.buffer);
  for (let i = 0; i < ids.length; i++) pixels[i] = colour[ids[i]];
  if (look.contours) drawContours(pixels, ids, height, width);
  const from = Math.round(look.divider * width);
  for (let y = 0; y < height; y++) pixels.fill(0, y * width, y * width + from);
  return painted;
}

/** @type {(pixels: Uint32Array, ids: Labels["ids"], height: number, width: number) => void} */
function drawContours(pixels, ids, height, width) {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const right = x + 1 < width && ids[i] !== ids[i + 1];
      if (right || (y + 1 < height && ids[i] !== ids[i + width])) pixels[i] = 0xffffffff;
    }
  }
}

/** RGBA of each class id, as a number in this machine's order of bytes. */
function lookUp(/** @type {ClassOfModel[]} */ classes, /** @type {Look} */ { opacity, isolated }) {
  const bytes = new Uint8ClampedArray(classes.length * 4);
  classes.forEach(({ id, color_rgb }, place) => {
    const rgba =
      isolated === null || isolated === id
        ? [...color_rgb, opacity * 255]
        : [0, 0, 0, (1 - DIMMED) * 255];
    bytes.set(rgba, place * 4);
  });
  return new Uint32Array(bytes.buffer);
}

/**
 * The picture with its colours, as large as the labels.
 * @type {(picture: ImageBitmap, labels: Labels, classes: ClassOfModel[], look: Look) => OffscreenCanvas}
 */
export function overlay(picture, labels, classes, look) {
  const canvas = new OffscreenCanvas(labels.width, labels.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(picture, 0, 0, labels.width, labels.height);
  const over = new OffscreenCanvas(labels.width, labels.height);
  const painted = colours(labels, classes, look);
  over.getContext("2d")?.putImageData(painted, 0, 0);
  context.drawImage(over, 0, 0);
  return canvas;
}
