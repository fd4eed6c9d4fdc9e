// The page in Chromium: what a user does with it, and whether its labels are those of Python.
//
// `make test-web` writes the page and what it is compared with, and names both in the environment.

import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser, grayPng, isolating, plain } from "./browser.mjs";

const PAGE = process.env.PAGE;
const EXPECTED = process.env.EXPECTED;
const SHOTS = process.env.SHOTS;
const LEAST_EQUAL = 0.999;
const facts = JSON.parse(await readFile(join(EXPECTED, "facts.json"), "utf-8"));
const axe = await readFile(join(import.meta.dirname, "node_modules", "axe-core", "axe.min.js"), "utf-8");

const picture = (name) => join(EXPECTED, `${name}.png`);

/** The share of a saved label map that equals Python's. */
async function agreement(page, name) {
  const { name: file, content } = await page.saved("save-labels");
  assert.equal(file, `${name}_labels.png`);
  const { width, height, values } = grayPng(content);
  const { width: expectedWidth, height: expectedHeight } = facts[name];
  assert.deepEqual([width, height], [expectedWidth, expectedHeight]);
  const expected = await readFile(join(EXPECTED, `${name}.labels`));
  return values.filter((id, at) => id === expected[at]).length / values.length;
}

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

/** In the page: the share of a screenshot of the canvas, 768 pixels wide, that has the colours of labels. */
async function equalColours(screenshot, labels) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes(screenshot)]));
  const top = Math.round((picture.height - 512) / 2);
  const context = new OffscreenCanvas(768, 512).getContext("2d");
  context.drawImage(picture, 0, -top);
  const { data } = context.getImageData(0, 0, 768, 512);
  const { classes } = await fetch("end2end.json").then((response) => response.json());
  const isEqual = (id, at) => classes[id].color_rgb.every((value, i) => Math.abs(value - data[at * 4 + i]) <= 1);
  return bytes(labels).filter(isEqual).length / (768 * 512);
}

async function assertAccessible(page) {
  await page.page.evaluate(axe); // the page's own policy forbids adding a script to it
  const { violations } = await page.page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
}

describe("with threads", () => {
  let server, browser, page;

  before(async () => {
    server = await isolating(PAGE);
    browser = await Browser.launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
    page = await browser.open(server.address);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("it loads, and says what it computes with", async () => {
    assert.equal(await page.page.evaluate(() => crossOriginIsolated), true);
    const reasons = await page.text("#reasons");
    assert.match(reasons, /In use: WebAssembly, [2-8] threads\./);
    assert.match(reasons, /No WebGPU: this browser finds no graphics processor/);
    await assertAccessible(page);
  });

  for (const name of Object.keys(facts)) {
    test(`labels of a dropped picture are Python's: ${name}`, async () => {
      await page.drop(picture(name));
      const equal = await agreement(page, name);
      assert.ok(equal >= LEAST_EQUAL, `${equal} of the labels are equal`);
      console.log(`# ${name}: ${(equal * 100).toFixed(4)} % of the labels are Python's`);
    });
  }

  test("the page answers while it segments", async () => {
    await page.give("paste", picture("large"), "image/png");
    const ticks = await page.page.evaluate(async () => {
      let count = 0;
      while (!/ class/.test(document.querySelector("#status").textContent)) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        count++;
      }
      return count;
    });
    assert.ok(ticks > 5, `the page answered ${ticks} times`);
  });

  test("a file can be chosen, twice the same", async () => {
    for (let i = 0; i < 2; i++) {
      await page.page.$eval("#status", (status) => (status.textContent = "given"));
      const [chooser] = await Promise.all([page.page.waitForFileChooser(), page.press("open")]);
      await chooser.accept([picture("street")]);
      await page.segmented();
    }
    assert.match(await page.page.$eval("canvas", (canvas) => canvas.ariaLabel), /^street.png: building/);
  });

  test("the legend has Python's shares, the largest first", async () => {
    const rows = await page.page.$$eval("#legend button", (buttons) =>
      buttons.map((button) => [...button.children].slice(1).map((part) => part.textContent)),
    );
    const shares = rows.map(([, share]) => Number.parseFloat(share.replace("< ", "")));
    assert.deepEqual(shares, [...shares].sort((a, b) => b - a));
    for (const [name, share] of rows.slice(0, 5)) {
      assert.ok(Math.abs(Number.parseFloat(share) - facts.street.classes[name] * 100) < 0.2, name);
    }
  });

  test("opacity, contours and the divider change what is seen", async () => {
    const whole = await page.seen();
    await page.page.focus("#opacity");
    await page.page.keyboard.press("Home");
    const bare = await page.seen();
    assert.notEqual(bare, whole);
    assert.equal(await page.text("#opacity-value"), "0 %");
    await page.page.keyboard.press("End");
    const full = await page.seen();
    assert.notEqual(full, whole);
    await page.page.click("#contours");
    const outlined = await page.seen();
    assert.notEqual(outlined, full);
    await page.page.click("#contours");
    await page.page.click("#wipe");
    const halved = await page.seen();
    assert.equal([bare, full, outlined].includes(halved), false);
    await page.page.focus("#divider");
    await page.page.keyboard.press("End");
    assert.notEqual(await page.seen(), halved);
    await page.page.click("#wipe");
    assert.equal(await page.seen(), full);
  });

  test("the divider can be dragged", async () => {
    await page.page.click("#wipe");
    await page.page.$eval("#divider", (input) => {
      input.value = "500";
      input.dispatchEvent(new Event("input"));
    });
    const { x, y, width, height } = await (await page.page.$("canvas")).boundingBox();
    await page.page.mouse.move(x + width / 2, y + height / 2);
    await page.page.mouse.down();
    await page.page.mouse.move(x + width / 4, y + height / 2, { steps: 3 });
    await page.page.mouse.up();
    assert.ok(Math.abs((await page.page.$eval("#divider", (input) => Number(input.value))) - 250) < 5);
    await page.page.click("#wipe");
  });

  test("pressing a class shows it alone; again, or Escape, all of them", async () => {
    const all = await page.seen();
    await page.page.click("#legend button");
    assert.equal(await page.page.$eval("#legend button", (button) => button.ariaPressed), "true");
    assert.notEqual(await page.seen(), all);
    await page.page.keyboard.press("Escape");
    assert.equal(await page.seen(), all);
    await page.page.focus("#legend button");
    await page.page.keyboard.press("Enter");
    assert.equal(await page.isHidden("#all"), false);
    await page.press("all");
    assert.equal(await page.seen(), all);
  });

  test("it zooms and moves by buttons, wheel, keys and dragging", async () => {
    const whole = await page.seen();
    await page.press("zoom-in");
    const closer = await page.seen();
    assert.notEqual(closer, whole);
    const { x, y, width, height } = await (await page.page.$("canvas")).boundingBox();
    await page.page.mouse.move(x + width / 2, y + height / 2);
    await page.page.mouse.down();
    await page.page.mouse.move(x + width / 2 + 60, y + height / 2, { steps: 3 });
    await page.page.mouse.up();
    assert.notEqual(await page.seen(), closer);
    await page.page.mouse.wheel({ deltaY: -400 });
    await page.page.focus("canvas");
    const before = await page.seen();
    await page.page.keyboard.press("ArrowRight");
    assert.notEqual(await page.seen(), before);
    await page.page.keyboard.press("0");
    await page.page.mouse.move(0, 0);
    assert.notEqual(await page.seen(), before);
    await page.page.$eval("canvas", (canvas) => canvas.blur());
    assert.equal(await page.seen(), whole);
  });

  test("two fingers zoom, one moves, and a tap names what it touched", async () => {
    const whole = await page.seen();
    const { x, y, width, height } = await (await page.page.$("canvas")).boundingBox();
    const [middleX, middleY] = [x + width / 2, y + height / 2];
    const session = await page.page.createCDPSession();
    const touch = (type, ...points) =>
      session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([dx, dy], id) => ({ x: middleX + dx, y: middleY + dy, id })),
      });
    await touch("touchStart", [-50, 0], [50, 0]);
    await touch("touchMove", [-150, 0], [150, 0]);
    await touch("touchEnd");
    assert.equal(await page.page.$eval("#stage", (stage) => stage.classList.contains("zoomed")), true);
    const closer = await page.seen();
    await touch("touchStart", [0, 0]);
    await touch("touchMove", [60, 20]);
    await touch("touchEnd");
    assert.notEqual(await page.seen(), closer);
    await page.press("fit");
    await page.page.touchscreen.tap(middleX, y + height * 0.25);
    assert.equal(await page.text("#tip"), "sky");
    await page.page.mouse.move(middleX, y + 2);
    await page.page.$eval("canvas", (canvas) => canvas.blur());
    assert.equal(await page.seen(), whole);
  });

  test("the pointer names what it is over", async () => {
    const { x, y, width, height } = await (await page.page.$("canvas")).boundingBox();
    await page.page.mouse.move(x + width / 2, y + height * 0.25);
    assert.equal(await page.text("#tip"), "sky");
    await page.page.mouse.move(x + width / 2, y + height * 0.85);
    assert.equal(await page.text("#tip"), "road");
    assert.equal(await page.isHidden("#tip"), false);
    await page.page.mouse.move(x + width / 2, y + 2); // beside the picture
    assert.equal(await page.isHidden("#tip"), true);
  });

  test("overlay and classes are saved", async () => {
    const overlay = await page.saved("save-overlay");
    assert.equal(overlay.name, "street_overlay.png");
    assert.deepEqual([overlay.content.readUInt32BE(16), overlay.content.readUInt32BE(20)], [768, 512]);
    const json = await page.saved("save-json");
    assert.equal(json.name, "street_classes.json");
    const { image, classes, model } = JSON.parse(String(json.content));
    assert.deepEqual(image, { source: "street.png", height: 512, width: 768 });
    assert.match(model.sha256, /^[0-9a-f]{64}$/);
    assert.equal(classes.reduce((sum, { pixels }) => sum + pixels, 0), 512 * 768);
    const { id, name, color_rgb } = classes[0];
    assert.deepEqual({ id, name, color_rgb }, { id: 1, name: "building", color_rgb: [180, 120, 120] });
  });

  test("a file that is no picture is refused in words, and the picture stays", async () => {
    await page.give("drop", join(EXPECTED, "facts.json"), "text/plain");
    await page.until(() => !document.querySelector("#error").hidden);
    assert.equal(await page.text("#error"), "“facts.json” is not a picture that this browser can read.");
    assert.match(await page.page.$eval("canvas", (canvas) => canvas.ariaLabel), /^street.png/);
    await page.drop(picture("portrait"));
    assert.equal(await page.isHidden("#error"), true);
  });

  test("the camera is segmented frame by frame", async () => {
    await page.press("camera");
    await page.until(() => /frames a second\d/.test(document.querySelector("#times").textContent));
    assert.equal(await page.page.$eval("#camera", (button) => button.ariaPressed), "true");
    await page.press("camera");
    await page.until(() => document.querySelector("#status").textContent === "The camera is off.");
    assert.equal(await page.page.$eval("#camera", (button) => button.ariaPressed), "false");
    await page.press("example");
    await page.segmented();
    await page.saved("save-labels");
  });

  test("another device can be chosen while pictures and frames are in work", async () => {
    await page.page.select("#device", "wasm");
    await page.drop(picture("street"));
    await page.press("camera");
    await page.page.select("#device", "auto");
    await page.until(() => /frames a second\d/.test(document.querySelector("#times").textContent));
    await page.press("camera");
    assert.equal(await page.isHidden("#error"), true);
    await page.give("drop", picture("large"), "image/png");
    await page.page.select("#device", "wasm");
    await page.segmented();
    assert.equal(await page.isHidden("#error"), true);
  });

  test("pictures larger than browsers of phones draw are scaled down", async () => {
    const large = await page.page.evaluate(async () => {
      const canvas = new OffscreenCanvas(6000, 3000);
      canvas.getContext("2d").fillRect(0, 0, 6000, 3000);
      const blob = await canvas.convertToBlob({ type: "image/jpeg" });
      const data = new DataTransfer();
      data.items.add(new File([blob], "large.jpg", { type: "image/jpeg" }));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
      return blob.size;
    });
    assert.ok(large > 0);
    await page.until(() => /Scaled from 6000×3000/.test(document.querySelector("#status").textContent));
    const { width, height } = grayPng((await page.saved("save-labels")).content);
    assert.ok(width * height <= 2 ** 24 && width * height > 0.99 * 2 ** 24, `${width}x${height}`);
  });

  test("nothing went wrong unnoticed, and nothing was asked of another server", () => {
    assert.deepEqual(page.complaints, []);
  });

  test("the screen shows the colours of the labels, whichever way it is drawn", async () => {
    // In a window of this size a point of the screen is a pixel of the picture.
    const other = await browser.open(server.address, { width: 768 + 408, height: 800 });
    await other.drop(picture("street"));
    await other.page.focus("#opacity");
    await other.page.keyboard.press("End");
    const labels = (await readFile(join(EXPECTED, "street.labels"))).toString("base64");
    for (const way of ["WebGL", "a plain canvas"]) {
      const equal = await other.page.evaluate(equalColours, await other.seen(), labels);
      assert.ok(equal >= 0.995, `${equal} of the colours are those of the labels, by ${way}`);
      await other.page.$eval("canvas", (canvas) =>
        canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context").loseContext(),
      );
      await other.until(() => document.querySelector("canvas").getContext("2d") !== null);
    }
    await other.close();
  });

  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of [[390, 844], [1280, 800]]) {
      test(`it can be used by all at ${width} pixels, ${scheme}`, async () => {
        const other = await browser.open(server.address, { width, height, scheme });
        await assertAccessible(other);
        await other.press("example");
        await other.segmented();
        await other.page.click("#legend button:first-child");
        await other.page.click("#wipe");
        await assertAccessible(other);
        const wide = await other.page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `the page is ${wide} pixels wide`);
        if (SHOTS) {
          await other.page.screenshot({ path: join(SHOTS, `${width}-${scheme}.png`), fullPage: true });
        }
        await other.close();
      });
    }
  }
});

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
