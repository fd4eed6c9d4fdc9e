"""What mmdeploy, Hugging Face and Ultralytics say about a network is written into its file."""

import json

import pytest

from ppmobileseg_deploy.checkpoints import Recipe, Resizing
from ppmobileseg_deploy.checkpoints.recipes import Unclear
from ppmobileseg_deploy.exporters.grafting.beside import known_origins

PIPELINE = {
    "pipeline": {
        "tasks": [
            {
                "name": "Preprocess",
                "transforms": [
                    {"type": "LoadImageFromFile"},
                    {"type": "Resize", "keep_ratio": False, "size": [1024, 512]},
                    {"type": "Normalize", "mean": [1, 2, 3.5], "std": [4, 5, 6], "to_rgb": False},
                    {"type": "Pad", "size_divisor": 16},
                ],
            },
            {"name": "Inference"},
        ]
    }
}
PROCESSOR = {
    "image_processor_type": "SegformerImageProcessor",
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.5, 0.25, 0.1],
    "image_std": [0.2, 0.2, 0.2],
    "rescale_factor": 1 / 255,
    "size": {"height": 512, "width": 640},
}


@pytest.fixture
def said(tmp_path):
    """``said({"a.json": content}, properties)``: what is said about ``a.onnx``."""

    def read(files=None, properties=None):
        for name, content in (files or {}).items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / name).write_text(text)
        return known_origins(tmp_path / "a.onnx", properties or {})

    return read


def test_mmdeploy(said):
    assert said({"pipeline.json": PIPELINE}) == {
        "from mmdeploy's pipeline.json": Recipe(
            mean=(1, 2, 3.5),
            std=(4, 5, 6),
            channel_order="bgr",
            resizing=Resizing(stretched_hw=(512, 1024)),
            size_multiple=16,
            resize_rule="mmseg",
        )
    }


def test_mmdeploy_that_keeps_the_ratio(said):
    resize = {"type": "Resize", "keep_ratio": True, "size": [2048, 512]}
    tasks = [{"transforms": [resize]}]
    (recipe,) = said({"pipeline.json": {"pipeline": {"tasks": tasks}}}).values()
    assert recipe.resizing == Resizing(512, 2048)
    assert recipe.mean is None


def test_hugging_face(said):
    found = said(
        {
            "preprocessor_config.json": PROCESSOR,
            "config.json": {"id2label": {"1": "road", "0": "sky"}},
        }
    )
    processor, config = found["from preprocessor_config.json"], found["from config.json"]
    assert processor == Recipe(
        mean=(127.5, 63.75, 25.5),
        std=(51, 51, 51),
        channel_order="rgb",
        resizing=Resizing(stretched_hw=(512, 640)),
    )
    assert config == Recipe(class_names=("sky", "road"))


@pytest.mark.parametrize(
    ("changed", "resizing"),
    [
        ({"size": {"shortest_edge": 256}}, Resizing(256, 8192)),
        ({"size": 300}, Resizing(stretched_hw=(300, 300))),
        ({"do_resize": False}, Resizing()),
        ({"do_center_crop": True}, Unclear("it crops images")),
        ({"size": {"height": -1, "width": 5}}, None),
    ],
)
def test_sizes_of_hugging_face(said, changed, resizing):
    (recipe,) = said({"preprocessor_config.json": PROCESSOR | changed}).values()
    assert recipe.resizing == resizing


def test_hugging_face_without_normalisation(said):
    changed = {"do_normalize": False, "do_flip_channel_order": True}
    (recipe,) = said({"preprocessor_config.json": PROCESSOR | changed}).values()
    assert (recipe.mean, recipe.std, recipe.channel_order) == ((0, 0, 0), (255,) * 3, "bgr")


def test_ultralytics(said):
    properties = {
        "author": "Ultralytics",
        "imgsz": "[640, 640]",
        "stride": "32",
        "names": "{0: 'sky', 1: 'road'}",
    }
    (recipe,) = said(properties=properties).values()
    assert (recipe.mean, recipe.std, recipe.channel_order) == ((0, 0, 0), (255,) * 3, "rgb")
    assert recipe.resizing == Resizing(640, 640)
    assert (recipe.size_multiple, recipe.class_names) == (32, ("sky", "road"))


@pytest.mark.parametrize(
    ("files", "properties"),
    [
        ({"pipeline.json": "no JSON"}, {}),
        ({"pipeline.json": "[" * 100_000}, {}),
        ({"pipeline.json": {"pipeline": {"tasks": [1, {"transforms": 2}]}}}, {}),
        ({"config.json": {"architectures": []}}, {}),
        ({"preprocessor_config.json": {"size": 1}}, {}),
    ],
)
def test_files_of_others_say_nothing(said, files, properties):
    assert said(files, properties) == {}


@pytest.mark.parametrize(
    "names", ["{0: 'a', 2: 'b'}", "{0: 1}", "{", "__import__('os')", "[1]", "{0: ''}"]
)
def test_names_that_are_none(said, names):
    (recipe,) = said(properties={"author": "Ultralytics", "names": names}).values()
    assert recipe.class_names is None
