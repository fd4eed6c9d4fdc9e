"""The runtime takes the sidecar of a file that carries no metadata."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from ppmobileseg_deploy import ModelError, ModelMetadata, OrtSegmenter
from ppmobileseg_deploy.exporters import write_sidecar
from ppmobileseg_deploy.verification import open_model

MakeModel = Callable[..., Path]
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def stripped(model: Path) -> Path:
    """Remove the metadata, and let the sidecar be that of the file without them."""
    sidecar = write_sidecar(model)
    plain = onnx.load(model)
    del plain.metadata_props[:]
    onnx.save(plain, model)
    content = json.loads(sidecar.read_text("utf-8"))
    from ppmobileseg_deploy.files import sha256_of

    content["model"]["sha256"] = sha256_of(model)
    sidecar.write_text(json.dumps(content), "utf-8")
    return model


def test_names_colours_and_preprocessing_come_from_it(
    rgb_model: Path, rgb_metadata: ModelMetadata
) -> None:
    expected = OrtSegmenter(rgb_model)(IMAGE).labels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segmenter = OrtSegmenter(stripped(rgb_model))
    assert segmenter.metadata == rgb_metadata
    np.testing.assert_array_equal(segmenter(IMAGE).labels, expected)


def test_coarse_logits_are_known_by_it(coarse_model: Path) -> None:
    expected = OrtSegmenter(coarse_model)(IMAGE).labels
    np.testing.assert_array_equal(OrtSegmenter(stripped(coarse_model))(IMAGE).labels, expected)


def test_a_file_says_of_itself_what_counts(rgb_model: Path) -> None:
    write_sidecar(rgb_model).write_text("no JSON", "utf-8")
    OrtSegmenter(rgb_model)


def test_the_sidecar_of_another_file_is_refused(rgb_model: Path) -> None:
    model = stripped(rgb_model)
    changed = onnx.load(model)
    changed.doc_string = "changed since"
    onnx.save(changed, model)
    for opens in (OrtSegmenter, lambda path: open_model(str(path))):
        with pytest.raises(ModelError, match=r"rgb\.json is not that of rgb\.onnx"):
            opens(model)
