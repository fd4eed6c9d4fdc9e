// The page in Chromium: what a user does with it, and whether its labels are those of Python.
//
// `make test-web` writes the page and what it is compared with, and names both in the environment.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser, grayPng, isolating } from "./browser.mjs";
import { EXPECTED, LEAST_EQUAL, agreement, facts, picture } from "./expected.mjs";

const PAGE = process.env.PAGE;
const SHOTS = process.env.SHOTS;
const axe = await readFile(join(import.meta.dirname, "node_modules", "axe-core", "axe.min.js"), "utf-8");

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

  test("labels without logits, as something far away would send them, are drawn, too", async () => {
    const other = await browser.open(server.address);
    const drawn = await other.page.evaluate(async () => {
      const { Stage } = await import("./stage.js");
      const { classes } = await fetch("end2end.json").then((response) => response.json());
      document.querySelector("#stage").replaceChildren();
      const [area, tip, line] = ["#stage", "#status", "#error"].map((name) => document.querySelector(name));
      const look = { opacity: 1, contours: false, isolated: null, divider: 0 };
      const stage = new Stage({ area, tip, line, look, onDivider: () => {} });
      const before = stage.prepare(classes);
      const picture = await createImageBitmap(new ImageData(2, 1));
      const labels = { ids: Uint8Array.of(1, 2), height: 1, width: 2 };
      stage.show(picture, { labels, counts: new Uint32Array(classes.length), field: null, ms: {} }, "two");
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const canvas = area.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(1, canvas.height / 2, 1, 1);
      return [before, canvas.ariaLabel, [...data.subarray(0, 3)], classes[1].color_rgb];
    });
    assert.deepEqual(drawn.slice(0, 2), ["", "two"]);
    assert.deepEqual(drawn[2], drawn[3]);
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
