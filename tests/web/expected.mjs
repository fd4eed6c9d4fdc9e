// What the page is compared with: pictures and labels of the Python runtime, written by `prepare.py`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { grayPng } from "./browser.mjs";

export const EXPECTED = process.env.EXPECTED;
export const LEAST_EQUAL = 0.999;
export const facts = JSON.parse(await readFile(join(EXPECTED, "facts.json"), "utf-8"));

export const picture = (name) => join(EXPECTED, `${name}.png`);

/** The share of a saved label map that equals Python's. */
export async function agreement(page, name) {
  const { name: file, content } = await page.saved("save-labels");
  assert.equal(file, `${name}_labels.png`);
  const { width, height, values } = grayPng(content);
  const { width: expectedWidth, height: expectedHeight } = facts[name];
  assert.deepEqual([width, height], [expectedWidth, expectedHeight]);
  const expected = await readFile(join(EXPECTED, `${name}.labels`));
  return values.filter((id, at) => id === expected[at]).length / values.length;
}
