// OpenCV reads the class ids that the page saves.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { labelsPng } from "../../ppmobileseg_deploy/web/page/png.js";

const READ = `import json, sys, cv2
labels = cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED)
print(json.dumps([str(labels.dtype), labels.tolist()]))`;

for (const [type, ids] of [
  ["uint8", Uint8Array.of(0, 255, 7, 1, 2, 3)],
  ["uint16", Int32Array.of(0, 300, 65535, 1, 256, 255)],
]) {
  test(`${type}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "ppms-png-"));
    const file = join(folder, "labels.png");
    const png = await labelsPng({ ids, height: 2, width: 3 });
    await writeFile(file, new Uint8Array(await png.arrayBuffer()));
    const [dtype, rows] = JSON.parse(execFileSync(process.env.PYTHON, ["-c", READ, file]));
    assert.deepEqual([dtype, rows.flat()], [type, [...ids]]);
    await rm(folder, { recursive: true });
  });
}
