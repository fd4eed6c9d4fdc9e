// The classes that are kept for the shader are all that can win, and their logits are the network's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { winning } from "../../ppmobileseg_deploy/web/page/candidates.js";

const [CLASSES, HEIGHT, WIDTH] = [23, 5, 7];
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;

/** The value of a class between four grid points. */
function between(values, id, y, x) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [bottom, right] = [Math.min(top + 1, HEIGHT - 1), Math.min(left + 1, WIDTH - 1)];
  const at = (row, column) => values[(id * HEIGHT + row) * WIDTH + column];
  const above = at(top, left) * (1 - (x - left)) + at(top, right) * (x - left);
  const below = at(bottom, left) * (1 - (x - left)) + at(bottom, right) * (x - left);
  return above * (1 - (y - top)) + below * (y - top);
}

for (const spread of [0.1, 1, 10]) {
  test(`no class that wins somewhere is lost, with logits of a spread of ${spread}`, () => {
    // Some classes are ahead everywhere, so that not all can win.
    const ahead = Array.from({ length: CLASSES }, (_, id) => (id % 4 ? -3 : 0));
    const logits = Float32Array.from(
      { length: CLASSES * HEIGHT * WIDTH },
      (_, i) => ahead[Math.floor(i / (HEIGHT * WIDTH))] + spread * random(),
    );
    const field = winning(logits, CLASSES, { height: HEIGHT, width: WIDTH }, { height: 1, width: 1 });
    const kept = [...field.classes];
    assert.deepEqual(kept, [...new Set(kept)].sort((a, b) => a - b));
    assert.ok(spread > 5 || kept.length < CLASSES);
    for (let tries = 0; tries < 3000; tries++) {
      const [y, x] = [random() * (HEIGHT - 1), random() * (WIDTH - 1)];
      const values = Array.from({ length: CLASSES }, (_, id) => between(logits, id, y, x));
      assert.ok(kept.includes(values.indexOf(Math.max(...values))), `at ${y}, ${x}`);
    }
    const area = HEIGHT * WIDTH;
    assert.equal(field.texels.length, Math.ceil(kept.length / 4) * area * 4);
    field.texels.forEach((value, i) => {
      const place = Math.floor(i / (4 * area)) * 4 + (i % 4);
      const at = Math.floor(i / 4) % area;
      if (place < kept.length) assert.equal(value, logits[kept[place] * area + at]);
      else assert.ok(value < -1e38);
    });
  });
}

test("of equal classes the lowest is kept", () => {
  const field = winning(new Float32Array(4 * 6), 4, { height: 2, width: 3 }, { height: 2, width: 3 });
  assert.deepEqual([...field.classes], [0]);
});
