"""The proof of an exported file as its users will meet it: from outside, on pictures."""

from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import Checkpoint
from ..errors import ParityError
from .comparing import ExampleComparison, Verification, agrees, verify
from .onnx_subject import OnnxSubject
from .subjects import choose_examples
from .torch_subject import TorchSubject


def prove_file(
    checkpoint: Checkpoint | str, content: bytes, name: str, images: Sequence[str | Path] = ()
) -> Verification:
    """Compare a file with the checkpoint that it was made from.

    The exporter's own proof looks at the graph, from inside. This one opens the finished file,
    runs it on pictures as anyone would and, if it fails, tells the layer.

    Args:
        checkpoint: A loaded checkpoint, the path of one, or the name of an official one.
        content: The file.
        name: What it will be called, for the message.
        images: Photographs to compare on besides made-up pictures.

    Returns:
        The measurements; the two agree.

    Raises:
        ParityError: They do not agree.
        ImageError: A photograph cannot be read.

    Example:
        >>> from functools import partial
        >>> from ppmobileseg_deploy.exporters import export_onnx
        >>> examine = partial(prove_file, "my.pth", name="my.onnx", images=["photo.jpg"])
        >>> export_onnx("my.pth", "my.onnx", examine=examine)  # doctest: +SKIP
    """
    subjects = TorchSubject(checkpoint), OnnxSubject(name, content)
    found = verify(*subjects, choose_examples(subjects, images))
    if not found.agreed:
        wrong = [each for each in found.examples if not agrees(each)]
        raise ParityError(
            f"expected {name} to compute what {found.first} computes, found another result on "
            f"{len(wrong)} of {len(found.examples)} pictures: {_measured(wrong[0])}"
            f"{_cause(found)}"
        )
    return found


def _measured(found: ExampleComparison) -> str:
    labels = f"{found.equal_labels:.2%} of labels equal on {found.name}"
    if found.max_logit_difference is None or found.max_logit is None:
        return labels
    gap, largest = found.max_logit_difference, found.max_logit
    return f"{labels}, logits off by {gap:.2g} where the largest is {largest:.3g}"


def _cause(found: Verification) -> str:
    parts = []
    if found.parting is not None:
        after = f", after {found.parting.after}" if found.parting.after else ""
        parts.append(f"the first layer that differs is {found.parting.layer}{after}")
    if found.hint:
        parts.append(found.hint)
    return "".join(f"; {part}" for part in parts)
