// The page in browsers and on servers that lack something, with WebGPU, and with models that fail.

import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Browser, grayPng, isolating, plain } from "./browser.mjs";
import { LEAST_EQUAL, agreement, picture } from "./expected.mjs";

const PAGE = process.env.PAGE;

/** A copy of the page whose network gets a small input, for what is slow, and with other changes to its sidecar. */
async function smallPage(name, change = () => {}) {
  const folder = `${PAGE}-${name}`;
  await cp(PAGE, folder, { recursive: true });
  const file = join(folder, "end2end.json");
  const sidecar = JSON.parse(await readFile(file, "utf-8"));
  sidecar.resize.short_side = 64;
  change(sidecar);
  await writeFile(file, JSON.stringify(sidecar));
  return folder;
}

test("without the headers, in a folder below the server's, it works on one thread", async () => {
  const server = await plain(PAGE);
  const browser = await Browser.launch();
  try {
    const page = await browser.open(server.address);
    assert.match(await page.text("#reasons"), /WebAssembly, 1 thread\..*does not send the headers/);
    await page.drop(picture("street"));
    assert.ok((await agreement(page, "street")) >= LEAST_EQUAL);
    assert.deepEqual(page.complaints, []);
  } finally {
    await browser.close();
    await server.stop();
  }
});

test("without WebGL it draws by other means, and says so", async () => {
  const server = await isolating(PAGE);
  const browser = await Browser.launch("--disable-3d-apis");
  try {
    const page = await browser.open(server.address);
    assert.match(await page.text("#reasons"), /this browser has no WebGL 2/);
    await page.drop(picture("street"));
    const whole = await page.seen();
    await page.page.focus("#opacity");
    await page.page.keyboard.press("End");
    const full = await page.seen();
    assert.notEqual(full, whole);
    await page.page.click("#legend button");
    assert.notEqual(await page.seen(), full);
    assert.deepEqual(page.complaints, []);
  } finally {
    await browser.close();
    await server.stop();
  }
});

test("WebGPU finds the labels that WebAssembly finds", async () => {
  const server = await isolating(await smallPage("small"));
  const browser = await Browser.launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
  try {
    const page = await browser.open(server.address);
    await page.drop(picture("street"));
    const { content: byWebAssembly } = await page.saved("save-labels");
    await page.page.select("#device", "webgpu");
    await page.until(() => document.querySelector("#reasons").textContent.includes("In use: WebGPU."));
    await page.segmented();
    const { content: byWebgpu } = await page.saved("save-labels");
    const [one, other] = [grayPng(byWebAssembly).values, grayPng(byWebgpu).values];
    const equal = one.filter((id, at) => id === other[at]).length / one.length;
    assert.ok(equal >= LEAST_EQUAL, `${equal} of the labels are equal`);
    assert.deepEqual(page.complaints, []);
    await page.close();

    // Where the emulation passes for a graphics processor, it is timed.
    const prepare = () => {
      Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
      Object.defineProperty(GPUAdapterInfo.prototype, "architecture", { get: () => "disguised" });
    };
    const disguised = await browser.open(server.address, { prepare });
    assert.match(await disguised.text("#reasons"), /WebGPU: google disguised\./);
    await disguised.until(() => /Measured: /.test(document.querySelector("#reasons").textContent));
    const [, wasm, webgpu] = /WebAssembly (\d+) ms, WebGPU (\d+) ms/.exec(await disguised.text("#reasons"));
    const faster = Number(webgpu) < Number(wasm) ? "WebGPU" : "WebAssembly, 2 threads";
    assert.ok((await disguised.text("#reasons")).startsWith(`In use: ${faster}.`));
    assert.deepEqual(disguised.complaints, []);
  } finally {
    await browser.close();
    await server.stop();
  }
});

test("a model that fails is told once, and another picture is tried anew", async () => {
  const folder = await smallPage("failing", (sidecar) => (sidecar.input.name = "no such input"));
  const server = await isolating(folder);
  const browser = await Browser.launch();
  try {
    const page = await browser.open(server.address);
    for (const name of ["street", "portrait"]) {
      await page.give("drop", picture(name), "image/png");
      await page.until(() => !document.querySelector("#error").hidden);
      assert.match(await page.text("#error"), /^This picture could not be segmented: input 'input' is missing/);
      await page.until(() => document.querySelector("#status").textContent === "Ready.");
      await page.page.$eval("#error", (error) => (error.hidden = true));
    }
    await writeFile(join(folder, "end2end.labels.onnx"), "no model");
    await page.page.reload();
    await page.until(() => !document.querySelector("#error").hidden);
    assert.match(await page.text("#error"), /^The model cannot be run: /);
    await rm(join(folder, "end2end.json"));
    await page.page.reload();
    await page.until(() => !document.querySelector("#error").hidden);
    assert.equal(await page.text("#error"), "end2end.json cannot be loaded (HTTP 404).");
  } finally {
    await browser.close();
    await server.stop();
  }
});
