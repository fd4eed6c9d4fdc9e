// A page in a real browser, and a server for it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import puppeteer from "puppeteer-core";

const HERE = import.meta.dirname;
const ROOT = join(HERE, "..", "..");
export const PYTHON = process.env.PYTHON ?? join(ROOT, ".venv", "bin", "python");

/** Start a server that prints its address; it ends with `stop`. */
async function started(...args) {
  return running(args, "inherit");
}

async function running(args, errors) {
  const server = spawn(PYTHON, args, { cwd: ROOT, stdio: ["ignore", "pipe", errors] });
  const [line] = await once(server.stdout, "data");
  const stop = async () => {
    server.kill();
    await once(server, "exit");
  };
  return { address: String(line).trim(), stop };
}

/** `ppms web`, with its headers. */
export function isolating(folder) {
  return started("-u", "-m", "ppmobileseg_deploy", "web", folder, "--port", "0");
}

/** `ppms serve`, whose log is left out. */
export function serving(...options) {
  const model = join(ROOT, "demo", "ppmobileseg_tiny_demo.onnx");
  return running(["-u", "-m", "ppmobileseg_deploy", "serve", "-m", model, "--port", "0", ...options], "ignore");
}

/** Python's own server, without headers; the page is in a folder below it. */
export async function plain(folder) {
  const code = `import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
server.serve_forever()`;
  const { address, stop } = await started("-c", code, join(folder, ".."));
  return { address: `${address}${folder.split("/").at(-1)}/`, stop };
}

export class Browser {
  static async launch(...args) {
    const browser = await puppeteer.launch({
      executablePath: process.env.BROWSER,
      // No graphics processor is expected: the browser's own software does its work.
      args: ["--no-sandbox", "--enable-unsafe-swiftshader", ...args],
    });
    return new Browser(browser);
  }

  constructor(browser) {
    this.browser = browser;
  }

  close() {
    return this.browser.close();
  }

  /** Open the page and wait for the model. */
  async open(address, { width = 1280, height = 800, scheme = "light", prepare = () => {} } = {}) {
    const page = await this.browser.newPage();
    await page.evaluateOnNewDocument(prepare);
    const opened = new OpenPage(page, await mkdtemp(join(tmpdir(), "ppms-web-")));
    await opened.listen(new URL(address).origin);
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(address);
    await opened.until(() => document.querySelector("#status").textContent === "Ready.");
    return opened;
  }
}

export class OpenPage {
  /** What the page wrote to the console, threw, or asked of other servers. */
  complaints = [];

  constructor(page, downloads) {
    this.page = page;
    this.downloads = downloads;
  }

  async listen(origin) {
    this.page.on("pageerror", (error) => this.complaints.push(`thrown: ${error.message}`));
    this.page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`console: ${message.text()}`);
    });
    this.page.on("request", (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      if (protocol !== "blob:" && asked !== origin) this.complaints.push(`asked: ${request.url()}`);
    });
    const session = await this.page.createCDPSession();
    const behaviour = { behavior: "allow", downloadPath: this.downloads };
    await session.send("Browser.setDownloadBehavior", behaviour);
  }

  async close() {
    await this.page.close();
    await rm(this.downloads, { recursive: true });
  }

  /** Wait for something to be so; what the page complains of ends it. */
  async until(isSo, ...args) {
    await this.page.waitForFunction(isSo, { timeout: 120_000, polling: 50 }, ...args);
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.textContent);
  }

  isHidden(selector) {
    return this.page.$eval(selector, (element) => element.hidden);
  }

  async press(action) {
    await this.page.$eval(`#panel [data-action="${action}"], #zoom [data-action="${action}"]`, (button) =>
      button.click(),
    );
  }

  /** Let a file be dropped on the page, or pasted into it. */
  async give(event, path, type) {
    const content = (await readFile(path)).toString("base64");
    await this.page.evaluate(
      (event, name, type, content) => {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], name, { type }));
        const made =
          event === "drop"
            ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
        document.querySelector("#status").textContent = "given";
        document.querySelector("#stage").dispatchEvent(made);
      },
      event,
      path.split("/").at(-1),
      type,
      content,
    );
  }

  /** Until the picture that was given is segmented. */
  segmented() {
    return this.until(() => /^\d+ class(es)? in /.test(document.querySelector("#status").textContent));
  }

  async drop(path) {
    await this.give("drop", path, "image/png");
    await this.segmented();
  }

  /** Press a button that saves a file, and return the file. */
  async saved(action) {
    await this.press(action);
    for (let tries = 0; tries < 200; tries++) {
      const names = await readdir(this.downloads);
      const name = names.find((name) => !name.endsWith(".crdownload"));
      if (name !== undefined) {
        const content = await readFile(join(this.downloads, name));
        await rm(join(this.downloads, name));
        return { name, content };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${action} saved nothing`);
  }

  /** What is seen of the picture. */
  async seen() {
    // Two frames: one to draw, one to be shown.
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    const canvas = await this.page.$("#stage canvas");
    return Buffer.from(await canvas.screenshot()).toString("base64");
  }
}

/** Size and gray values of a PNG of 8 bits without filters, as the page writes it. */
export function grayPng(file) {
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const parts = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    if (file.toString("latin1", at + 4, at + 8) === "IDAT") {
      parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
    }
  }
  const lines = inflateSync(Buffer.concat(parts));
  const values = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++) {
    lines.copy(values, y * width, y * (width + 1) + 1, (y + 1) * (width + 1));
  }
  return { width, height, values };
}
