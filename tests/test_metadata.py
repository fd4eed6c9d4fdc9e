import dataclasses
import json

import pytest

from ppmobileseg_deploy.metadata import MAX_CLASSES, ModelMetadata


def test_round_trip() -> None:
    metadata = ModelMetadata(
        variant="base",
        class_names=("straße", "sky"),
        palette_rgb=((1, 2, 3), (4, 5, 6)),
        output="logits",
        vim="image",
        stride=8,
        mean_rgb=(1.5, 2.5, 3.5),
        checkpoint="my.pth",
        checkpoint_sha256="ab" * 32,
        tool_version="1.2.3",
        channel_order="bgr",
        precision="int8",
        threshold=0.4,
    )
    assert ModelMetadata.from_props(metadata.to_props()) == metadata


NOT_SCALED = {"short_side": None, "long_side": None}


@pytest.mark.parametrize(
    ("rule", "entries"),
    [
        (NOT_SCALED, {"short_side": None, "long_side": None, "size_multiple": 32}),
        (
            {**NOT_SCALED, "stretched_hw": (256, 512)},
            {"short_side": None, "long_side": None, "stretched_hw": [256, 512]},
        ),
        ({"resize_rule": "paddleseg"}, {"size_multiple": {"stretched": 32}, "short_side": 512}),
        (
            {**NOT_SCALED, "resize_rule": "paddleseg", "size_multiple": 1},
            {"short_side": None, "size_multiple": {"stretched": 1}},
        ),
    ],
)
def test_other_resize_rules_are_no_numbers_to_those_who_know_one_rule_only(rule, entries) -> None:
    metadata = ModelMetadata(**rule)
    props = metadata.to_props()
    assert ModelMetadata.from_props(props) == metadata
    assert {name: json.loads(props[f"ppms.{name}"]) for name in entries} == entries
    # Readers from before these rules take whole numbers only.
    sides = [json.loads(props[f"ppms.{name}"]) for name in ("short_side", "size_multiple")]
    assert not all(isinstance(side, int) for side in sides)


@pytest.mark.parametrize("rule", ["half_pixel", "align_corners", "asymmetric"])
def test_strides_of_other_upsampling_are_no_numbers_to_those_who_know_none(rule) -> None:
    metadata = ModelMetadata(stride=8, upsampling=rule)
    props = metadata.to_props()
    assert ModelMetadata.from_props(props) == metadata
    assert json.loads(props["ppms.stride"]) == {rule: 8}


def test_every_entry_is_text_and_none_is_left_out() -> None:
    two = {"class_names": ("a", "b"), "palette_rgb": ((0, 0, 0), (1, 1, 1))}
    props = ModelMetadata(
        **two,
        **NOT_SCALED,
        threshold=0.3,
        stretched_hw=(64, 96),
        resize_rule="paddleseg",
        upsampling="align_corners",
    ).to_props()
    assert list(props) == [f"ppms.{field.name}" for field in dataclasses.fields(ModelMetadata)]
    assert all(isinstance(value, str) for value in props.values())


@pytest.mark.parametrize("entry", ["threshold", "stretched_hw", "upsampling"])
def test_what_few_models_have_is_left_out_of_others(entry: str) -> None:
    assert f"ppms.{entry}" not in ModelMetadata().to_props()


def test_as_many_classes_as_labels_can_name() -> None:
    def props(count: int) -> dict[str, str]:
        names, palette = json.dumps(["x"] * count), json.dumps([[0, 0, 0]] * count)
        return {"ppms.class_names": names, "ppms.palette_rgb": palette}

    metadata = ModelMetadata.from_props(props(MAX_CLASSES))
    assert metadata is not None
    assert metadata.num_classes == MAX_CLASSES == 65536
    with pytest.raises(ValueError, match="expected at most 65536 classes, found 65537"):
        ModelMetadata.from_props(props(MAX_CLASSES + 1))


def test_an_endless_entry_is_not_read() -> None:
    props = {"ppms.class_names": " " * (1 << 24) + "[]"}
    with pytest.raises(ValueError, match="class_names is malformed: it has 16777218 characters"):
        ModelMetadata.from_props(props)


def test_a_foreign_file_has_none() -> None:
    assert ModelMetadata.from_props({}) is None
    assert ModelMetadata.from_props({"author": "somebody"}) is None


def test_entries_of_later_versions_are_ignored_and_missing_ones_defaulted() -> None:
    props = ModelMetadata(stride=8).to_props()
    props["ppms.invented_later"] = "1"
    del props["ppms.stride"], props["ppms.precision"]
    assert ModelMetadata.from_props(props) == ModelMetadata(stride=0, precision="fp32")


@pytest.mark.parametrize(
    ("entry", "text", "message"),
    [
        ("class_names", "[", "class_names is malformed"),
        ("class_names", "[]", "expected one colour for each of at least one class"),
        ("class_names", '["only one"]', "found 1 names and 150 colours"),
        ("class_names", '"ab"', "class_names is malformed: expected a list of texts, found 'ab'"),
        ("class_names", '[{"a": 1}, null]', "class_names is malformed: expected a list of texts"),
        ("palette_rgb", "7", "palette_rgb is malformed"),
        ("palette_rgb", '["123", "456"]', "palette_rgb is malformed: expected a list of"),
        ("palette_rgb", "[[0, 0, 1.5]]", "palette_rgb is malformed: expected a whole number"),
        ("palette_rgb", "[[0, 0, true]]", "palette_rgb is malformed: expected a whole number"),
        ("palette_rgb", "[[0, 0, 256]]", "expected"),
        ("mean_rgb", "[1, 2]", "three finite means"),
        ("mean_rgb", "[NaN, 1, 2]", "finite means"),
        ("mean_rgb", "[1, 1e300, 2]", "finite means"),
        ("std_rgb", "[0, 1, 1]", "three finite standard deviations above zero"),
        ("std_rgb", "[1, -1, 1]", "deviations above zero"),
        ("std_rgb", "[1, 1, NaN]", "deviations above zero"),
        ("std_rgb", "[1, 1, Infinity]", "finite standard deviations"),
        ("std_rgb", "[1, 1e-300, 1]", "deviations above zero"),
        ("short_side", "0", "resize rule of 1 to 8192 pixels"),
        ("short_side", "1000000", "resize rule of 1 to 8192 pixels"),
        ("long_side", "8193", "resize rule of 1 to 8192 pixels"),
        ("size_multiple", "8193", "resize rule of 1 to 8192 pixels"),
        ("size_multiple", "1025", "padded to multiples of at most 1024, found 1025"),
        ("long_side", "8190", "found up to 8190 rounded up to a multiple of 100"),
        ("short_side", "Infinity", "short_side is malformed"),
        ("stride", "1e400", "stride is malformed"),
        ("stride", "-16", "stride of 0 to 256, found -16"),
        ("stride", "1000000", "stride of 0 to 256"),
        ("class_names", "[" * 100_000, "class_names is malformed"),
        ("size_multiple", '"x"', "size_multiple is malformed"),
        ("mean_rgb", '"abc"', "mean_rgb is malformed: expected a list of numbers, found 'abc'"),
        ("std_rgb", '["1", "1", "1"]', "std_rgb is malformed: expected a number, found '1'"),
        ("threshold", "0.3", "expected a threshold between 0 and 1, of 2 classes, found 0.3 of"),
        ("threshold", "NaN", "expected a threshold between 0 and 1"),
        ("threshold", "[0.3]", "threshold is malformed: expected a number"),
        (
            "short_side",
            "null",
            "limits of both sides, or of none, or a size .* found .None, 2000, None.",
        ),
        ("stretched_hw", "[64, 64]", "limits of both sides, or of none"),
        ("stretched_hw", "64", "stretched_hw is malformed: expected a list of a height and"),
        ("stretched_hw", "[64, 1.5]", "stretched_hw is malformed: expected a whole number"),
        ("resize_rule", "bicubic", "resize rule of mmseg or paddleseg, found 'bicubic'"),
        ("size_multiple", '{"padded": 32}', "size_multiple is malformed: expected a whole"),
        ("output", "boxes", "expected output labels, logits or coarse_logits, found 'boxes'"),
    ],
    ids=lambda value: value[:20],
)
def test_malformed_entries_are_errors(entry: str, text: str, message: str) -> None:
    props = ModelMetadata(size_multiple=100, long_side=2000).to_props()
    props[f"ppms.{entry}"] = text
    with pytest.raises(ValueError, match=message):
        ModelMetadata.from_props(props)


@pytest.mark.parametrize("size", [[64], [64, 64, 64], [0, 64], [64, 8193], [8190, 64], []])
def test_sizes_that_images_cannot_be_stretched_to(size: list[int]) -> None:
    metadata = ModelMetadata(**NOT_SCALED, stretched_hw=(64, 64), size_multiple=100)
    props = metadata.to_props() | {"ppms.stretched_hw": json.dumps(size)}
    with pytest.raises(ValueError, match=r"expected a (height and a width|resize rule of 1 to)"):
        ModelMetadata.from_props(props)
