// Proves that onnxruntime-node answers as Python does: feeds golden/tensor.bin, compares with golden/output.bin.
//
//   node check.mjs MODEL GOLDEN_FOLDER
//
// Ends with 0 if the files are those of the manifest and at least 99.9 % of the labels are equal.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as ort from "onnxruntime-node";

// int64 arrives as BigInt64Array, which is slow to work with: export with --label-dtype uint8 for JavaScript.
const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array };

async function checked(file, sha256) {
  const content = await readFile(file);
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== sha256) {
    throw new Error(`${file}: expected a file of SHA-256 ${sha256}, found ${found}`);
  }
  return content;
}

/** Reads raw little-endian numbers, as golden.json describes them. */
async function numbers(folder, entry) {
  const content = await checked(path.join(folder, entry.file), entry.sha256);
  // A copy, since an offset into Node's pool of buffers need not be a multiple of the element's size.
  return new ARRAYS[entry.dtype](new Uint8Array(content).buffer);
}

const [model, folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node check.mjs MODEL GOLDEN_FOLDER");
  process.exit(2);
}
const golden = JSON.parse(await readFile(path.join(folder, "golden.json"), "utf8"));
const session = await ort.InferenceSession.create(await checked(model, golden.model.sha256));
const { name, dtype, shape } = golden.tensor;
const tensor = new ort.Tensor(dtype, await numbers(folder, golden.tensor), shape);
const [output] = golden.outputs;
const found = (await session.run({ [name]: tensor }, [output.name]))[output.name].data;
const expected = await numbers(folder, output);
let equal = 0;
for (let index = 0; index < expected.length; index += 1) {
  equal += found[index] === expected[index] ? 1 : 0;
}
console.log(`${equal} of ${expected.length} labels equal`);
process.exit(found.length === expected.length && equal / expected.length >= 0.999 ? 0 : 1);
