// What `ppms serve` shows in Chromium: the page, which its server segments for, and the description of the routes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser, serving } from "./browser.mjs";
import { LEAST_EQUAL, agreement, facts, picture } from "./expected.mjs";

const PAGE = process.env.PAGE;
const SHOTS = process.env.SHOTS;
const LEAST_EQUAL_OF_JPEG = 0.99; // pictures are sent as JPEG

describe("a page that its server computes for", () => {
  let server, browser, page;

  before(async () => {
    server = await serving();
    browser = await Browser.launch();
    page = await browser.open(server.address);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("it says where pictures go, and offers nothing else", async () => {
    assert.equal(await page.text("#privacy"), "Pictures are sent to this page's server.");
    assert.match(await page.text("#sent"), /^The model runs on the server/);
    assert.match(await page.text("#reasons"), /^In use: this page's server\./);
    const offered = await page.page.$$eval("#device option:enabled", (options) => options.map(({ value }) => value));
    assert.deepEqual(offered, ["server"]);
  });

  for (const name of Object.keys(facts)) {
    test(`labels of a dropped picture are Python's, but for what JPEG loses: ${name}`, async () => {
      await page.drop(picture(name));
      const equal = await agreement(page, name);
      console.log(`# ${name}: ${(equal * 100).toFixed(3)} % of the labels are Python's`);
      assert.ok(equal >= LEAST_EQUAL_OF_JPEG, `${equal} of the labels are equal`);
    });
  }

  test("what it shows", async () => {
    await page.drop(picture("street"));
    assert.match(await page.text("#legend"), /building/);
    if (SHOTS) await page.page.screenshot({ path: join(SHOTS, "served.png") });
  });

  test("a server that cannot be reached is said, and no picture is lost", async () => {
    await page.page.setOfflineMode(true);
    await page.give("drop", picture("street"), "image/png");
    await page.until(() => !document.querySelector("#error").hidden);
    assert.match(await page.text("#error"), /^This picture could not be segmented: /);
    await page.page.setOfflineMode(false);
    page.complaints.length = 0; // the browser's own, about the connection
    await page.drop(picture("street"));
  });

  test("nothing is asked of others, and nothing goes wrong", () => assert.deepEqual(page.complaints, []));

  test("the routes are described, and can be tried, without another server", async () => {
    const docs = await browser.browser.newPage();
    const complaints = [];
    docs.on("pageerror", (error) => complaints.push(error.message));
    docs.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    docs.on("request", (request) => {
      if (!request.url().startsWith(server.address) && !request.url().startsWith("data:")) complaints.push(request.url());
    });
    await docs.setViewport({ width: 1100, height: 1400 });
    await docs.goto(`${server.address}docs`);
    await docs.waitForSelector(".opblock");
    const routes = await docs.$$eval(".opblock-summary-path", (paths) => paths.map(({ dataset }) => dataset.path));
    for (const route of ["/v1/segment", "/v1/model", "/metrics", "/v2/models/{model}/infer"]) {
      assert.ok(routes.includes(route), route);
    }
    await docs.click("#operations-images-model_v1_model_get .opblock-summary-control");
    await (await docs.waitForSelector(".try-out__btn")).click();
    await (await docs.waitForSelector(".execute")).click();
    await docs.waitForSelector(".live-responses-table tbody .response-col_status");
    assert.match(await docs.$eval(".live-responses-table tbody .response-col_status", ({ textContent }) => textContent), /^200/);
    if (SHOTS) await docs.screenshot({ path: join(SHOTS, "docs.png") });
    await docs.close();
    assert.deepEqual(complaints, []);
  });
});

describe("a page that can compute by itself, too", () => {
  let server, browser, page;

  before(async () => {
    server = await serving("--page", PAGE);
    browser = await Browser.launch();
    page = await browser.open(server.address);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("the browser computes when it is told to", async () => {
    assert.match(await page.text("#reasons"), /^In use: this page's server\./);
    await page.page.select("#device", "wasm");
    await page.until(() => /In use: WebAssembly/.test(document.querySelector("#reasons").textContent));
    assert.equal(await page.text("#privacy"), "Pictures stay on this device.");
    await page.drop(picture("street"));
    const equal = await agreement(page, "street");
    assert.ok(equal >= LEAST_EQUAL, `${equal} of the labels are equal`);
    assert.deepEqual(page.complaints, []);
  });

  test("the folder's own files are those that are shown", async () => {
    const shown = await page.page.evaluate(() => fetch("end2end.json").then((answer) => answer.json()));
    const { server: offered, ...rest } = shown;
    assert.deepEqual(rest, JSON.parse(await readFile(join(PAGE, "end2end.json"), "utf-8")));
    assert.deepEqual(offered, { infer: "v2/models/ppmobileseg_tiny_demo/infer", only: false });
  });
});
