"""Whose numbers count, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ppmobileseg_deploy import cityscapes
from ppmobileseg_deploy.checkpoints import (
    OFFICIAL,
    RECIPES,
    Checkpoint,
    Description,
    Recipe,
    Resizing,
    describe,
    load_checkpoint,
)
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.evaluation.torch_segmenter import TorchSegmenter
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import CONFIGS

DEMO = Path(__file__).parents[2] / "demo"
HALVES = (127.5,) * 3
CONFIG = """
data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=False)
test_pipeline = [dict(type='Resize', scale=(900, 300), keep_ratio=True)]
"""


def checkpoint(num_classes: int = 19, **said: object) -> Checkpoint:
    return Checkpoint(
        config=CONFIGS["tiny"],
        num_classes=num_classes,
        state_dict={"decode_head.conv_seg.bias": torch.zeros(num_classes)},
        file_name="my.pth",
        sha256="ab" * 32,
        **said,  # type: ignore[arg-type]
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.py"
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_taken_whole_and_gives_names(name: str) -> None:
    recipe = RECIPES[name]
    metadata, origins = describe(checkpoint(), Description(recipe=name))
    assert (metadata.mean_rgb, metadata.std_rgb) == (recipe.mean, recipe.std)
    found = Resizing(metadata.short_side, metadata.long_side, metadata.stretched_hw)
    assert found == recipe.resizing
    assert metadata.size_multiple == recipe.size_multiple
    assert metadata.resize_rule == recipe.resize_rule
    numbers = {origins.normalisation, origins.channel_order, origins.resizing, origins.filling}
    assert numbers == {f"recipe {name}"}
    is_its_own = recipe.data_set == "cityscapes"
    assert (metadata.class_names == cityscapes.NAMES) == is_its_own
    assert (origins.names == f"recipe {name}") == is_its_own
    assert origins.notes == ()
    assert ModelMetadata.from_props(metadata.to_props()) == metadata


def test_paddlesegs_cityscapes_is_halves_and_images_as_they_are() -> None:
    metadata, _ = describe(checkpoint(), Description(recipe="cityscapes-paddleseg"))
    assert (metadata.mean_rgb, metadata.std_rgb) == (HALVES, HALVES)
    assert (metadata.short_side, metadata.long_side, metadata.size_multiple) == (None, None, 1)


def test_the_owner_comes_before_a_configuration_that_before_a_recipe_and_so_on(
    config: Path,
) -> None:
    said = checkpoint(
        mean=(7.0,) * 3, training=Recipe(mean=(8.0,) * 3, std=(8.0,) * 3, size_multiple=64)
    )
    steps: list[tuple[dict[str, object], object, str]] = [
        ({}, (7.0,) * 3, "the checkpoint's"),
        ({"recipe": "cityscapes-paddleseg"}, HALVES, "recipe cityscapes-paddleseg"),
        ({"config": config}, (3.0, 2.0, 1.0), f"from {config}"),  # its channels are BGR
        ({"mean_rgb": (9, 9, 9)}, (9, 9, 9), "as given"),
    ]
    given: dict[str, object] = {}
    for more, mean, origin in steps:
        given |= more
        metadata, origins = describe(said, Description(**given))  # type: ignore[arg-type]
        assert metadata.mean_rgb == mean
        assert origins.normalisation.split(" and ")[0] == origin
    metadata, origins = describe(said)
    assert (metadata.std_rgb, metadata.size_multiple) == ((8.0,) * 3, 64)
    assert origins.normalisation == (
        "the checkpoint's and the checkpoint's training configuration"
    )
    assert origins.filling == "the checkpoint's training configuration and ADE20K's, assumed"


def test_what_nobody_says_is_assumed_and_noted() -> None:
    metadata, origins = describe(checkpoint())
    assert metadata.mean_rgb == RECIPES["ade20k"].mean
    assert origins.normalisation == origins.resizing == "ADE20K's, assumed"
    (note,) = origins.notes
    assert note.startswith("nothing says with which mean and std and which sizes my.pth was tr")
    for remedy in ("--config FILE", "--recipe NAME", "cityscapes-paddleseg"):
        assert remedy in note
    assert describe(checkpoint(mean=HALVES, std=HALVES))[1].notes == ()


def test_official_checkpoints_are_known_by_their_content() -> None:
    official = next(iter(OFFICIAL.values()))
    said = replace(checkpoint(), sha256=official.sha256_prefix.ljust(64, "0"))
    _, origins = describe(said)
    assert origins.normalisation == origins.filling == "the official checkpoint's"
    assert origins.notes == ()


@pytest.mark.parametrize(
    ("given", "sizes", "origin"),
    [
        ({"no_resize": True}, (None, None, None), "as given"),
        ({"stretched_hw": (64, 96)}, (None, None, (64, 96)), "as given"),
        ({"short_side": 100, "long_side": 200}, (100, 200, None), "as given"),
        (
            {"short_side": 100},
            (100, 2048, None),
            "the short side as given, the long one ADE20K's, assumed",
        ),
        (
            {"long_side": 700, "recipe": "ade20k"},
            (512, 700, None),
            "the long side as given, the short one recipe ade20k",
        ),
        (
            {"short_side": 700, "recipe": "cityscapes-paddleseg"},  # which scales nothing
            (700, 2048, None),
            "the short side as given, the long one ADE20K's, assumed",
        ),
    ],
)
def test_sizes_that_the_owner_gives(
    given: dict[str, object], sizes: tuple[object, ...], origin: str
) -> None:
    metadata, origins = describe(checkpoint(), Description(**given))  # type: ignore[arg-type]
    assert (metadata.short_side, metadata.long_side, metadata.stretched_hw) == sizes
    assert origins.resizing == origin


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": "coco"}, "expected recipe to be one of ade20k, ade20k-paddleseg, cityscapes"),
        (
            {"resize_rule": "cv2"},
            "expected resize rule to be one of mmseg, paddleseg, found 'cv2'",
        ),
        ({"short_side": 0}, "expected a short side of 1 to 8192 pixels, found 0"),
        ({"long_side": 8193}, "expected a long side of 1 to 8192 pixels, found 8193"),
        ({"size_multiple": 1.5}, "expected a size multiple of 1 to 8192 pixels, found 1.5"),
        ({"stretched_hw": (1, 2, 3)}, "expected a height and a width"),
        ({"stretched_hw": (0, 2)}, "expected a height and width of 1 to 8192 pixels, found 0"),
        (
            {"no_resize": True, "short_side": 5},
            "expected one of --no-resize, .*, found --no-resize, --short-side and --long-side",
        ),
        ({"no_resize": True, "stretched_hw": (5, 5)}, "found --no-resize, --stretch"),
        ({"short_side": 3000}, "expected a short side of at most the long side, 2048, found 3000"),
        ({"size_multiple": 1000, "long_side": 8100}, "8100 rounded up to a multiple of 1000"),
    ],
)
def test_numbers_that_make_no_sense(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        describe(checkpoint(), Description(**given))  # type: ignore[arg-type]


def test_what_a_configuration_says_unclearly_has_to_be_said_by_the_owner(config: Path) -> None:
    config.write_text(CONFIG.replace("scale=", "scale_factor="))
    with pytest.raises(UsageError) as raised:
        describe(checkpoint(), Description(config=config))
    assert str(raised.value) == (
        f"cannot take the size from {config}: its Resize has scale_factor; --short-side and "
        "--long-side, --stretch or --no-resize says it"
    )
    metadata, _ = describe(checkpoint(), Description(config=config, no_resize=True))
    assert metadata.short_side is None


@pytest.mark.parametrize(
    ("said", "reason", "given"),
    [
        (
            "bgr_to_rgb=flag()",
            "cannot take the channel order from {}: its bgr_to_rgb is computed in line 2, and "
            "nothing is run, expected True or False; --channel-order says it",
            {"channel_order": "bgr"},
        ),
        (
            "test_cfg=dict(size_divisor=-32)",
            "cannot take the size multiple from {}: its size_divisor is -32, expected 1 to 8192 "
            "pixels; --size-multiple says it",
            {"size_multiple": 32},
        ),
    ],
)
def test_likewise_the_order_of_channels_and_the_multiple(
    config: Path, said: str, reason: str, given: dict[str, object]
) -> None:
    config.write_text(CONFIG.replace("bgr_to_rgb=False", said))
    with pytest.raises(UsageError) as raised:
        describe(checkpoint(), Description(config=config))
    assert str(raised.value) == reason.format(config)
    describe(checkpoint(), Description(config=config, **given))  # type: ignore[arg-type]


def test_a_configuration_of_another_network_is_noted(config: Path) -> None:
    config.write_text(f"{CONFIG}model = dict(decode_head=dict(num_classes=7))")
    _, origins = describe(checkpoint(), Description(config=config))
    assert origins.notes == (f"{config} is of a network of 7 classes, my.pth of 19",)


def test_the_training_configuration_in_a_checkpoint_needs_no_option(tmp_path: Path) -> None:
    weights = torch.load(DEMO / "ppmobileseg_tiny_demo.pth", weights_only=True)["state_dict"]
    path = tmp_path / "mine.pth"
    padding = "# " + "x" * 70_000 + "\n"  # longer texts stay in the file until they are asked for
    for text in (CONFIG, padding + CONFIG):
        torch.save({"meta": {"cfg": text}, "state_dict": weights}, path)
        metadata, origins = describe(load_checkpoint(path))
        assert (metadata.mean_rgb, metadata.std_rgb) == ((3, 2, 1), (6, 5, 4))
        assert (metadata.short_side, metadata.channel_order) == (300, "bgr")
        assert origins.resizing == "the checkpoint's training configuration"
    torch.save({"meta": {"cfg": "import os\nos.abort()"}, "state_dict": weights}, path)
    loaded = load_checkpoint(path)
    assert loaded.training is None
    assert any("something else than assigning names, line 2" in note for note in loaded.notes)
    assert describe(loaded)[0].mean_rgb == RECIPES["ade20k"].mean
    for text in (f"x = _base_{'.a' * 990}", f"x = _base_{'.a' * 100_000}"):
        torch.save({"meta": {"cfg": text}, "state_dict": weights}, path)
        assert describe(load_checkpoint(path))[0].mean_rgb == RECIPES["ade20k"].mean
    text = CONFIG.replace("bgr_to_rgb=False", "bgr_to_rgb=f(), test_cfg=dict(size_divisor=0)")
    torch.save({"meta": {"cfg": text}, "state_dict": weights}, path)
    _, origins = describe(load_checkpoint(path))
    for unclear in ("the channel order (the checkpoint's tr", "the size multiple (the checkpoin"):
        assert any(note.startswith(unclear) for note in origins.notes)


def test_wrong_numbers_change_labels_and_right_ones_do_not(tmp_path: Path) -> None:
    saved = torch.load(DEMO / "ppmobileseg_tiny_demo.pth", weights_only=True)
    first = next(key for key, each in saved["state_dict"].items() if each.shape[1:2] == (3,))
    saved["state_dict"][first] *= 2  # as if it had been trained on images half as bright
    torch.save(saved, tmp_path / "mine.pth")
    image_bgr = cv2.imread(str(DEMO / "images/farm.jpg"))[:256, :320]
    std = tuple(2 * each for each in ModelMetadata().std_rgb)
    expected = TorchSegmenter(DEMO / "ppmobileseg_tiny_demo.pth")(image_bgr).labels
    right = TorchSegmenter(tmp_path / "mine.pth", description=Description(std_rgb=std))
    assert np.array_equal(right(image_bgr).labels, expected)
    wrong = TorchSegmenter(tmp_path / "mine.pth")
    assert (wrong(image_bgr).labels == expected).mean() < 0.9
