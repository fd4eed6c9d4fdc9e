// PNG files of class ids: gray, of 8 or 16 bits, which a canvas cannot write.

/** @import { Labels } from "./types.js" */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @returns {Promise<Blob>} */
export async function labelsPng(/** @type {Labels} */ { ids, height, width }) {
  const bytes = ids instanceof Uint8Array ? 1 : 2;
  const line = 1 + width * bytes; // each begins with the number of its filter, 0 for none
  const lines = new Uint8Array(height * line);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = ids[y * width + x];
      const at = y * line + 1 + x * bytes;
      lines[at + bytes - 1] = id & 255;
      if (bytes === 2) lines[at] = id >> 8;
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = bytes * 8; // bits; the rest stays 0: gray, deflate, no interlacing
  const parts = [chunk("IHDR", header), chunk("IDAT", await deflated(lines)), chunk("IEND")];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: "image/png" });
}

async function deflated(/** @type {Uint8Array<ArrayBuffer>} */ bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @type {(type: string, content?: Uint8Array) => Uint8Array<ArrayBuffer>} */
function chunk(type, content = new Uint8Array()) {
  const whole = new Uint8Array(content.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, content.length);
  whole.set(new TextEncoder().encode(type), 4);
  whole.set(content, 8);
  view.setUint32(content.length + 8, crc(whole.subarray(4, content.length + 8)));
  return whole;
}

function crc(/** @type {Uint8Array} */ bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}
