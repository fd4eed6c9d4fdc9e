// Which classes can be the best one somewhere between the points of the coarse grid.

/** @import { Field, Size } from "./types.js" */

const NEVER = -3e38;

/**
 * Keep the logits of the classes that can win.
 *
 * Between four grid points every logit is interpolated with the same weights. A class that another
 * one matches or beats at all four can therefore win nowhere between them. A shader that looks at
 * the others only, which are some 10 of 150, finds the same labels.
 * @type {(logits: Float32Array, classes: number, grid: Size, shown: Size) => Field}
 */
export function winning(logits, classes, { height, width }, shown) {
  const area = height * width;
  const best = bestOfEach(logits, classes, area);
  const wins = new Uint8Array(classes);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const corner = y * width + x;
      const right = x + 1 < width ? 1 : 0;
      const below = y + 1 < height ? width : 0;
      const corners = [corner, corner + right, corner + below, corner + right + below];
      const winners = [...new Set(corners.map((at) => best[at]))];
      for (const winner of winners) wins[winner] = 1;
      if (winners.length === 1) continue;
      for (let id = 0; id < classes; id++) {
        if (wins[id]) continue;
        const loses = winners.some((winner) =>
          corners.every((at) => logits[winner * area + at] >= logits[id * area + at]),
        );
        if (!loses) wins[id] = 1;
      }
    }
  }
  const ids = Int32Array.from(wins.keys()).filter((id) => wins[id]);
  const texels = new Float32Array(Math.ceil(ids.length / 4) * area * 4).fill(NEVER);
  ids.forEach((id, place) => {
    const start = (place >> 2) * area * 4 + (place & 3);
    for (let at = 0; at < area; at++) texels[start + at * 4] = logits[id * area + at];
  });
  return { classes: ids, texels, height, width, shown };
}

function bestOfEach(/** @type {Float32Array} */ logits, /** @type {number} */ classes, /** @type {number} */ area) {
  const best = new Int32Array(area);
  const value = logits.slice(0, area);
  for (let id = 1; id < classes; id++) {
    for (let at = 0; at < area; at++) {
      const found = logits[id * area + at];
      if (found > value[at]) {
        value[at] = found;
        best[at] = id;
      }
    }
  }
  return best;
}
