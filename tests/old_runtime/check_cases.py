"""Repeat the cases of `write_cases.py`; needs numpy and ONNX Runtime alone.

``python tests/old_runtime/check_cases.py FOLDER``, by a Python that has an old ONNX Runtime.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

MIN_EQUAL_LABELS = 0.999
"""Where the runtimes computed the logits themselves: rounding tips pixels at which classes tie."""

MIN_EQUAL_LABELS_INT8 = 0.98
"""Rounding also decides between two integers, and these are a step apart."""

FLOATS = ("logits", "confidence", "maximum")
MAX_DIFFERENCE = 1e-4
"""As a share of the largest number."""


def main(folder: Path) -> int:
    failed = 0
    cases = sorted(folder.glob("*.npz"))
    for path in cases:
        model = path.name.split(".")[0]
        options = ort.SessionOptions()
        options.log_severity_level = 3
        session = ort.InferenceSession(str(folder / f"{model}.onnx"), options)
        with np.load(path) as stored:
            feed = {key: stored[key] for key in stored.files if key != "expected"}
            expected = stored["expected"]
        found = session.run(None, feed)[0]
        problem = compare(model, expected, found)
        if problem:
            failed += 1
            print(f"{path.name}: {problem}")
    print(f"ONNX Runtime {ort.__version__}, numpy {np.__version__}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


def compare(model: str, expected: np.ndarray, found: np.ndarray) -> str:
    if (expected.shape, expected.dtype) != (found.shape, found.dtype):
        return f"expected {expected.dtype} {expected.shape}, found {found.dtype} {found.shape}"
    if model in FLOATS:
        difference = np.abs(expected - found).max() / np.abs(expected).max()
        return "" if difference <= MAX_DIFFERENCE else f"numbers differ by {difference:.1e}"
    equal = (expected == found).mean()
    least = MIN_EQUAL_LABELS_INT8 if model == "int8" else MIN_EQUAL_LABELS
    if model.startswith(("head", "labels_")):
        least = 1.0
    return "" if equal >= least else f"{equal:.4%} of the labels are equal"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
