from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ppmobileseg_deploy import ade20k, cityscapes
from ppmobileseg_deploy.checkpoints import Checkpoint, Description, describe
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import CONFIGS
from ppmobileseg_deploy.palettes import distinct_palette

MEAN, STD = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)


def checkpoint(num_classes=3, **said):
    return Checkpoint(
        config=CONFIGS["base"],
        num_classes=num_classes,
        state_dict={"decode_head.conv_seg.bias": torch.zeros(num_classes)},
        file_name="my.pth",
        sha256="ab" * 32,
        **said,
    )


def test_what_nobody_says_is_mmsegmentations() -> None:
    metadata, origins = describe(checkpoint(150))
    expected = ModelMetadata(
        variant="base",
        stride=8,
        checkpoint="my.pth",
        checkpoint_sha256="ab" * 32,
        tool_version=metadata.tool_version,
    )
    assert metadata == expected
    assert origins.names == "ADE20K's, as there are 150 and no others are given"
    assert origins.palette == "those of these names"
    assert origins.normalisation == origins.channel_order == "ADE20K's, as there are 150 classes"
    assert origins.resizing == origins.filling == "ADE20K's, as there are 150 classes"
    assert origins.notes == ()


def test_other_classes_without_names_are_numbered() -> None:
    metadata, origins = describe(checkpoint(19))
    assert metadata.class_names[18] == "class 18"
    assert metadata.palette_rgb == distinct_palette(19)
    assert (origins.names, origins.palette) == ("made up, as none are given", "made up")


def test_what_the_checkpoint_says() -> None:
    said = checkpoint(
        class_names=("a", "b", "c"), palette_rgb=((1, 1, 1),) * 3, mean=MEAN, std=STD
    )
    metadata, origins = describe(said)
    assert metadata.class_names == ("a", "b", "c")
    assert metadata.palette_rgb == ((1, 1, 1),) * 3
    assert (metadata.mean_rgb, metadata.std_rgb) == (MEAN, STD)
    assert {origins.names, origins.palette, origins.normalisation} == {"the checkpoint's"}


@pytest.mark.parametrize("source", ["checkpoint", "user"])
def test_a_checkpoints_numbers_are_in_the_order_of_its_channels(source: str) -> None:
    said = checkpoint(mean=MEAN, std=STD)
    if source == "checkpoint":
        metadata, origins = describe(replace(said, channel_order="bgr"))
        assert origins.channel_order == "the checkpoint's"
    else:
        metadata, origins = describe(said, Description(channel_order="bgr"))
        assert origins.channel_order == "as given"
    assert metadata.channel_order == "bgr"
    assert (metadata.mean_rgb, metadata.std_rgb) == (MEAN[::-1], STD[::-1])


def test_what_the_user_says_comes_first_and_is_red_green_blue() -> None:
    said = checkpoint(mean=(9, 9, 9), std=(9, 9, 9), channel_order="rgb")
    given = Description(mean_rgb=MEAN, std_rgb=STD, channel_order="bgr")
    metadata, origins = describe(said, given)
    assert (metadata.mean_rgb, metadata.std_rgb, metadata.channel_order) == (MEAN, STD, "bgr")
    assert origins.normalisation == "as given"
    metadata, origins = describe(said, Description(mean_rgb=MEAN))
    assert (metadata.mean_rgb, metadata.std_rgb) == (MEAN, (9, 9, 9))
    assert origins.normalisation == "as given and the checkpoint's"


def test_names_and_colours_of_files(tmp_path: Path) -> None:
    names, colours = tmp_path / "n.json", tmp_path / "c.json"
    names.write_text('{"x": [1, 2, 3], "y": [4, 5, 6], "z": [7, 8, 9]}')
    colours.write_text('{"y": [0, 0, 0]}')
    said = checkpoint(class_names=("a", "b", "c"), palette_rgb=((1, 1, 1),) * 3)
    metadata, origins = describe(said, Description(names=names, palette=colours))
    assert metadata.class_names == ("x", "y", "z")
    assert metadata.palette_rgb == ((1, 2, 3), (0, 0, 0), (7, 8, 9))
    assert (origins.names, origins.palette) == (f"from {names}", f"from {colours}")
    metadata, origins = describe(said, Description(names=names))
    assert metadata.palette_rgb[1] == (4, 5, 6)
    names.write_text('["x", "y", "z"]')  # without colours: the checkpoint's stay
    assert describe(said, Description(names=names))[0].palette_rgb == ((1, 1, 1),) * 3


@pytest.mark.parametrize(("name", "table"), [("ade20k", ade20k), ("cityscapes", cityscapes)])
def test_known_names_bring_their_colours(name: str, table: object) -> None:
    said = checkpoint(len(table.NAMES))  # type: ignore[attr-defined]
    metadata, _ = describe(said, Description(names=name))
    assert metadata.palette_rgb == table.PALETTE_RGB  # type: ignore[attr-defined]


def test_a_head_of_one_class() -> None:
    metadata, _ = describe(checkpoint(1, threshold=0.5))
    assert metadata.class_names == ("background", "foreground")
    assert metadata.threshold == 0.5
    metadata, _ = describe(checkpoint(1, threshold=0.5, class_names=("land", "water")))
    assert metadata.class_names == ("land", "water")
    assert metadata.palette_rgb == distinct_palette(2)


def test_numbers_for_other_pixels_are_noted() -> None:
    given = Description(mean_rgb=(0.485, 0.456, 0.406), std_rgb=(0.229, 0.224, 0.225))
    (note,) = describe(checkpoint(), given)[1].notes
    assert "look as if for pixels from 0 to 1" in note
    assert "--mean 123.675,116.28,103.53" in note
    for mean, std in (((0, 0, 0), (1, 1, 1)), ((0, 0, 0), (255, 255, 255)), (MEAN, STD)):
        assert describe(checkpoint(), Description(mean_rgb=mean, std_rgb=std))[1].notes == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mean_rgb": (1, 2)}, r"expected three means from -1e\+06 to 1e\+06, found \(1, 2\)"),
        ({"mean_rgb": (1, 2, float("nan"))}, "expected three means"),
        ({"mean_rgb": (1, 2, 1e9)}, "expected three means"),
        ({"mean_rgb": "123"}, "expected three means"),
        ({"mean_rgb": (1, 2, "3")}, "expected three means"),
        ({"std_rgb": (1, 2, 0)}, "expected three standard deviations from 1e-06"),
        ({"std_rgb": 5}, "expected three standard deviations from 1e-06"),
        ({"channel_order": "gbr"}, "expected channel order to be one of bgr, rgb, found 'gbr'"),
        ({"channel_order": 3}, "expected channel order to be one of bgr, rgb, found 3"),
    ],
)
def test_what_makes_no_sense(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Description(**given)  # type: ignore[arg-type]
