// Pixels are scaled as OpenCV scales them, and sides rounded as the runtime rounds them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inputSize, resized } from "../../ppmobileseg_deploy/web/page/resizing.js";

const EXPECTED = process.env.EXPECTED;
const { portrait } = JSON.parse(await readFile(join(EXPECTED, "facts.json"), "utf-8"));
const data = await readFile(join(EXPECTED, "portrait.rgba"));

for (const [height, width] of [[512, 683], [288, 512], [1, 1], [700, 400]]) {
  test(`OpenCV's pixels at ${height}x${width}`, async () => {
    const expected = await readFile(join(EXPECTED, `portrait_${height}x${width}.rgb`));
    const found = resized({ ...portrait, data }, { height, width }, "rgb");
    assert.equal(found.length, expected.length);
    const differences = found.map((value, at) => Math.abs(value - expected[at]));
    assert.ok(differences.every((difference) => difference <= 1));
    assert.ok(differences.filter(Boolean).length <= 0.001 * found.length);
    const bgra = resized({ ...portrait, data }, { height, width }, "bgra");
    assert.deepEqual([...bgra.subarray(0, 4)], [found[2], found[1], found[0], 255]);
  });
}

const sides = { scaling: "sides", short_side: 512, long_side: 2048, size_multiple: 32 };
const none = { scaling: "none", size_multiple: 32 };
const stretched = { scaling: "stretched", stretched_hw: [256, 320], size_multiple: 32 };
for (const [picture, rule, expected] of [
  [[500, 375], { ...sides, rule: "mmseg" }, [683, 512]],
  [[100, 1000], { ...sides, rule: "mmseg" }, [205, 2048]],
  [[100, 1000], { ...sides, rule: "paddleseg" }, [224, 2048]],
  [[2, 5000], { ...sides, rule: "mmseg" }, [1, 2048]],
  [[501, 375], { ...none, rule: "mmseg" }, [501, 375]],
  [[501, 375], { ...none, rule: "paddleseg" }, [512, 384]],
  [[501, 375], { ...stretched, rule: "mmseg" }, [256, 320]],
]) {
  test(`${picture} becomes ${expected} by ${JSON.stringify(rule)}`, () => {
    const [height, width] = picture;
    assert.deepEqual(Object.values(inputSize({ height, width }, rule)), expected);
  });
}
