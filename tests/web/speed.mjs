// How long the page takes for a picture of 512x512, beside ONNX Runtime itself on the same machine.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Browser, PYTHON, isolating } from "./browser.mjs";

const [PAGE, TIMES] = [process.env.PAGE, 25];
const native = JSON.parse(
  execFileSync(PYTHON, [join(import.meta.dirname, "native_speed.py"), PAGE, String(TIMES)]),
);

/** In the page: the median of each stage, after a warm-up. */
async function measured(threads, times) {
  const { openLocal } = await import("./local_engine.js");
  const engine = await openLocal("wasm", threads);
  const pixels = new ImageData(512, 512);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = Math.random() * 256;
  const picture = await createImageBitmap(pixels);
  const runs = [];
  for (let i = 0; i < times + 3; i++) runs.push((await engine.segment(picture)).ms);
  engine.close();
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  return Object.fromEntries(
    Object.keys(runs[0]).map((stage) => [stage, median(runs.slice(3).map((ms) => ms[stage]))]),
  );
}

const server = await isolating(PAGE);
const browser = await Browser.launch();
const page = await browser.open(server.address);
const rows = [1, 2].map((threads) => [`ONNX Runtime, ${threads} thread(s)`, native[threads]]);
for (const threads of [1, 2]) {
  rows.push([`WebAssembly, ${threads} thread(s)`, await page.page.evaluate(measured, threads, TIMES)]);
}
await browser.close();
await server.stop();
console.log("milliseconds for a picture of 512x512, medians of", TIMES);
for (const [name, { network, labels }] of rows) {
  console.log(`${name.padEnd(26)} network ${network.toFixed(1).padStart(6)}   labels ${labels.toFixed(1).padStart(5)}`);
}
const of = (row, stage) => rows[row][1][stage];
console.log(`WebAssembly takes ${(of(2, "network") / of(0, "network")).toFixed(1)} times as long on one thread,`);
console.log(`and two threads are ${(of(2, "network") / of(3, "network")).toFixed(2)} times as fast as one.`);
