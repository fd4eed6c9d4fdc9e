// Segments a PNG and says which classes are in it.
//
//   node segment.mjs MODEL PICTURE.png LABELS.png
import { readFile, writeFile } from "node:fs/promises";
import { PNG } from "pngjs";
import { Segmenter } from "./segmenter.mjs";

const [model, picture, target] = process.argv.slice(2);
if (target === undefined) {
  console.error("usage: node segment.mjs MODEL PICTURE.png LABELS.png");
  process.exit(2);
}
try {
  const segmenter = await Segmenter.open(model);
  const png = PNG.sync.read(await readFile(picture)); // RGBA, whatever the file has
  const labels = await segmenter.segment(png);

  const counts = new Map();
  for (const id of labels) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  for (const [id, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    console.log(`${segmenter.classes[id].name}: ${((100 * count) / labels.length).toFixed(1)} %`);
  }
  if (segmenter.classes.length > 256) {
    throw new Error(`expected at most 256 classes for labels of a byte, found ${segmenter.classes.length}`);
  }
  const gray = new PNG({ width: png.width, height: png.height, colorType: 0, inputColorType: 0, inputHasAlpha: false });
  gray.data = Buffer.from(labels);
  await writeFile(target, PNG.sync.write(gray, { colorType: 0, inputColorType: 0, inputHasAlpha: false }));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
