// Pictures from files and from the camera.

/** Browsers of phones give no larger canvas: 4096x4096. */
const MOST_PIXELS = 1 << 24;

/**
 * Read a picture file, upright and with the numbers that stand in it.
 *
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<{picture: ImageBitmap, note: string}>}
 * @throws {Error} it is none
 */
export async function readPicture(file, name) {
  /** @type {ImageBitmapOptions} */
  const asStored = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const picture = await createImageBitmap(file, asStored).catch(() => {
    throw new Error(`“${name}” is not a picture that this browser can read.`);
  });
  const pixels = picture.width * picture.height;
  if (pixels <= MOST_PIXELS) return { picture, note: "" };
  const scale = Math.sqrt(MOST_PIXELS / pixels);
  const resizeWidth = Math.max(1, Math.floor(picture.width * scale));
  const resizeHeight = Math.max(1, Math.floor(picture.height * scale));
  const note = `Scaled from ${picture.width}×${picture.height}, more than browsers draw.`;
  picture.close();
  const options = { ...asStored, resizeWidth, resizeHeight, resizeQuality: /** @type {const} */ ("high") };
  return { picture: await createImageBitmap(file, options), note };
}

const REFUSALS = new Map([
  ["NotAllowedError", "The camera was not allowed. The browser's settings of this page can allow it."],
  ["NotFoundError", "No camera was found."],
  ["NotReadableError", "The camera is in use by another program."],
]);

export class Camera {
  /** @type {MediaStream | undefined} */
  #stream;
  #video = document.createElement("video");

  get isOn() {
    return this.#stream !== undefined;
  }

  /** @throws {Error} there is none, or it was not allowed */
  async start() {
    if (!navigator.mediaDevices) {
      throw new Error("No camera: browsers give it to pages of https or localhost only.");
    }
    const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video });
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      throw new Error(REFUSALS.get(name) ?? `The camera does not start: ${error}`);
    }
    this.#video.srcObject = this.#stream;
    this.#video.muted = true;
    this.#video.playsInline = true;
    await this.#video.play();
  }

  /** The next frame, or undefined once the camera is off. */
  async frame() {
    // Waits, too, while the page is hidden.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return this.isOn ? createImageBitmap(this.#video) : undefined;
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }
}
