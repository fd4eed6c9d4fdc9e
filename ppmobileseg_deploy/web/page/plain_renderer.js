// Draws without a graphics processor: labels at the picture's size, enlarged where one zooms in.

import { colours } from "./colouring.js";

/** @import { ClassOfModel, Look, Renderer, Result } from "./types.js" */

/** @returns {Renderer} */
export function plainRenderer(/** @type {HTMLCanvasElement} */ canvas, /** @type {ClassOfModel[]} */ classes) {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser gives no canvas to draw on");
  const over = document.createElement("canvas");
  /** @type {ImageBitmap | undefined} */
  let picture;
  /** @type {Result | null} */
  let result = null;
  let painted = "";

  function paint(/** @type {Look} */ look) {
    if (result === null || painted === JSON.stringify(look)) return;
    painted = JSON.stringify(look);
    over.width = result.labels.width;
    over.height = result.labels.height;
    over.getContext("2d")?.putImageData(colours(result.labels, classes, look), 0, 0);
  }

  return {
    canvas,
    show(newPicture, newResult) {
      picture = newPicture;
      result = newResult;
      painted = "";
    },
    draw({ scale, left, top }, look) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (picture === undefined) return;
      const place = /** @type {const} */ ([left, top, picture.width * scale, picture.height * scale]);
      context.imageSmoothingEnabled = scale < 4;
      context.drawImage(picture, ...place);
      if (result === null) return;
      paint(look);
      context.drawImage(over, ...place);
    },
  };
}
