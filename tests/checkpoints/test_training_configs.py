"""Configurations of mmsegmentation and PaddleSeg, as people write them and as they do not."""

import gc
import tracemalloc
from pathlib import Path

import pytest

from ppmobileseg_deploy.checkpoints.recipes import RECIPES, Recipe, Resizing, Unclear
from ppmobileseg_deploy.checkpoints.training_configs import (
    ConfigError,
    read_config,
    recipe_of_text,
)
from ppmobileseg_deploy.errors import UsageError

DATASET = """
dataset_type = 'ADE20KDataset'
crop_size = (512, 512)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='PackSegInputs')
]
test_dataloader = dict(batch_size=1, dataset=dict(type=dataset_type, pipeline=test_pipeline))
"""
MODEL = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0)
model = dict(type='EncoderDecoder', data_preprocessor=data_preprocessor,
             decode_head=dict(num_classes=19, norm_cfg=norm_cfg))
"""
OLD = """
img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='MultiScaleFlipAug', img_scale=(2048, 1024), flip=False, transforms=[
        dict(type='Resize', keep_ratio=True),
        dict(type='RandomFlip'),
        dict(type='Normalize', **img_norm_cfg),
        dict(type='Pad', size_divisor=32),
        dict(type='ImageToTensor', keys=['img']),
        dict(type='Collect', keys=['img']),
    ])
]
data = dict(test=dict(type='CityscapesDataset', pipeline=test_pipeline))
"""
PADDLE = """
val_dataset:
  type: Cityscapes
  transforms:
    - type: Normalize
"""
NORMALISED = "data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True)\n"


@pytest.fixture
def read(tmp_path: Path):
    """``read(text, suffix=".py", **others)``: read a file beside others, named by their stem."""

    def reading(text: str, suffix: str = ".py", **others: str) -> Recipe:
        for name, content in others.items():
            (tmp_path / f"{name}{suffix}").write_text(content, "utf-8")
        path = tmp_path / f"config{suffix}"
        path.write_text(text, "utf-8")
        return read_config(path)

    return reading


def numbers(recipe: Recipe) -> tuple[object, ...]:
    return (
        recipe.mean, recipe.std, recipe.channel_order, recipe.resizing, recipe.size_multiple,
        recipe.resize_rule, recipe.data_set,
    )  # fmt: skip


def test_a_configuration_on_top_of_others_is_put_together_as_mmengine_does(read) -> None:
    top = """
_base_ = ['./model.py', './dataset.py']
custom_imports = dict(imports=['projects.pp_mobileseg.backbones'], allow_failed_imports=False)
data_preprocessor = dict(size={{_base_.crop_size}}, test_cfg=dict(size_divisor=32))
model = dict(data_preprocessor=data_preprocessor, decode_head=dict(num_classes=150))
"""
    recipe = read(top, model=MODEL, dataset=DATASET)
    assert numbers(recipe) == numbers(RECIPES["ade20k"])
    assert (recipe.num_classes, recipe.notes) == (150, ())


def test_version_0_normalises_in_its_pipeline(read) -> None:
    assert numbers(read(OLD)) == numbers(RECIPES["cityscapes"])


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        (PADDLE, "cityscapes-paddleseg"),
        (
            "val_dataset:\n  type: ADE20K\n  transforms:\n"
            "  - {type: Resize, target_size: [2048, 512], keep_ratio: true, size_divisor: 32}\n"
            "  - {type: Normalize, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}\n",
            "ade20k-paddleseg",
        ),
    ],
)
def test_paddlesegs_configurations_are_the_known_recipes(read, text: str, recipe: str) -> None:
    for suffix in (".yml", ".yaml"):
        assert numbers(read(text, suffix)) == numbers(RECIPES[recipe])


def test_what_tools_export_writes_is_read(read) -> None:
    text = "Deploy:\n  model: model.pdmodel\n  transforms:\n  - {type: Normalize, mean: [0, 0, 0]}"
    recipe = read(text, ".yml")
    assert (recipe.mean, recipe.std) == ((0.0, 0.0, 0.0), (127.5, 127.5, 127.5))
    assert recipe.resizing == Resizing()


def test_a_paddleseg_file_inherits_until_it_says_that_it_does_not(read) -> None:
    top = "_base_: base.yml\nmodel: {num_classes: 3}\n"
    assert read(top, ".yml", base=PADDLE).mean == (127.5,) * 3
    alone = "_base_: base.yml\nval_dataset:\n  _inherited_: false\n  type: Mine\n"
    with pytest.raises(UsageError, match=r"config.yml says nothing of how images are prepared"):
        read(alone, ".yml", base=PADDLE)


@pytest.mark.parametrize(
    ("step", "resizing"),
    [
        ("dict(type='Resize', scale=(512, 256), keep_ratio=True)", Resizing(256, 512)),
        ("dict(type='Resize', scale=(256, 512), keep_ratio=True)", Resizing(256, 512)),
        ("dict(type='Resize', scale=(512, 256))", Resizing(stretched_hw=(256, 512))),
        ("dict(type='Resize', img_scale=(512, 256))", Resizing(256, 512)),
        ("dict(type='ResizeShortestEdge', scale=300, max_size=900)", Resizing(300, 900)),
        ("dict(type='mmseg.Resize', scale=side, keep_ratio=True)", Resizing(256, 256)),
        ("*[]", Resizing()),
    ],
)
def test_sizes_of_mmsegmentation(read, step: str, resizing: Resizing) -> None:
    recipe = read(f"side = 2 * 128\ntest_pipeline = [dict(type='LoadImageFromFile'), {step}]")
    assert recipe.resizing == resizing


@pytest.mark.parametrize(
    ("step", "resizing"),
    [
        ("{type: Resize, target_size: [512, 256]}", Resizing(stretched_hw=(256, 512))),
        ("{type: Resize, target_size: [512, 256], keep_ratio: true}", Resizing(256, 512)),
        ("{type: ResizeByLong, long_size: 640}", Resizing(640, 640)),
        ("{type: ResizeByShort, short_size: 480}", Resizing(480, 8192)),
    ],
)
def test_sizes_of_paddleseg(read, step: str, resizing: Resizing) -> None:
    assert read(f"val_dataset: {{transforms: [{step}]}}", ".yml").resizing == resizing


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("dict(type='Resize', scale_factor=0.5)", "its Resize has scale_factor"),
        ("dict(type='Resize', scale=(0, 5))", "its scale is 0, expected 1 to 8192 pixels"),
        ("dict(type='Resize', scale='big')", "its scale is 'big', expected two whole numbers"),
        (
            "dict(type='Resize', scale=f())",
            "its scale is computed in line 1, and nothing is run, expected two whole numbers",
        ),
        ("dict(type='RandomCrop')", "its test pipeline has 'RandomCrop'"),
        ("dict(scale=1)", "a step of its pipeline is a dict"),
        (
            "dict(type='Resize', scale=(9, 9), interpolation='nearest')",
            "its Resize interpolates by 'nearest'",
        ),
        ("*[dict(type='Resize', scale=(9, 9))] * 2", "its test pipeline resizes twice"),
    ],
)
def test_sizes_that_are_not_understood(read, step: str, reason: str) -> None:
    recipe = read(f"test_pipeline = [{step}]\n{NORMALISED}")
    assert recipe.resizing == Unclear(reason)
    assert recipe.mean == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("value", "mean"),
    [
        ("[127.5] * 3", (127.5,) * 3),
        ("tuple([1, 2]) + (3,)", (1.0, 2.0, 3.0)),
        ("numbers['mean']", (7.0, 8.0, 9.0)),
        ("list(numbers['mean'])", (7.0, 8.0, 9.0)),
        ("[0.5 * 255, 255 / 2, -(-127.5)]", (127.5,) * 3),
        ("[number for number in (1, 2, 3)]", "its mean is computed in line 2"),
        ("__import__('os').system('touch ran')", "its mean is computed in line 2"),
        ("eval('1')", "its mean is computed in line 2"),
        ("[1, 2]", "its mean is a list, expected three numbers"),
        ("['a', 'b', 'c']", "its mean is a list, expected three numbers"),
        ("[1e9, 1, 1]", "its mean has a number that is none from -1e+06 to 1e+06"),
        ("[0] * -5", "its mean is a list, expected three numbers"),
        ("[0] * 10**9", "its mean is computed in line 2"),
        ("['x' * 1000000000000]", "its mean is a list, expected three numbers"),
        ("1e400", "its mean is computed in line 2"),
    ],
)
def test_values_are_found_without_running_anything(
    read, value: str, mean: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        "numbers = dict(mean=(7, 8, 9))\n"
        f"data_preprocessor = dict(mean={value}, std=[1, 1, 1], to_rgb=True)"
    )
    found = read(text).mean
    if isinstance(mean, str):
        assert isinstance(found, Unclear)
        assert found.reason.startswith(mean)
    else:
        assert found == mean
    assert not Path("ran").exists()


def test_channels_are_as_they_are_read_unless_a_preprocessor_turns_them(read) -> None:
    for text, order in (
        ("bgr_to_rgb=True", "rgb"),
        ("bgr_to_rgb=False", "bgr"),
        ("pad_val=0", "bgr"),
        ("rgb_to_bgr=True", "rgb"),
    ):
        recipe = read(f"data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], {text})")
        assert recipe.channel_order == order


@pytest.mark.parametrize(
    "said", ["bgr_to_rgb=flag()", "bgr_to_rgb='yes'", "rgb_to_bgr=2", "bgr_to_rgb=[True]"]
)
def test_an_order_of_channels_that_is_not_understood_is_not_replaced(read, said: str) -> None:
    name, shown = said.split("=")
    shown = {"flag()": "computed in line 1, and nothing is run", "[True]": "a list"}.get(
        shown, shown
    )
    reason = Unclear(f"its {name} is {shown}, expected True or False")
    text = f"data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], {said})"
    assert read(text).channel_order == reason
    # Means that are in a file that is not there do not hide it.
    text = f"_base_ = 'none.py'\n{DATASET}data_preprocessor = dict({said})"
    assert isinstance(read(text).channel_order, Unclear)


@pytest.mark.parametrize("order", ["f()", "'rgb'"])
def test_likewise_with_version_0(read, order: str) -> None:
    assert isinstance(read(OLD.replace("to_rgb=True", f"to_rgb={order}")).channel_order, Unclear)


@pytest.mark.parametrize(
    ("divisor", "found"),
    [
        ("None", None),
        ("16", 16),
        ("f()", "computed in line 2, and nothing is run"),
        ("-32", "-32"),
        ("0", "0"),
        ("1.5", "1.5"),
        ("True", "True"),
        ("(32, 32)", "a tuple"),
        ("10**3", "computed in line 2, and nothing is run"),
        ("9000", "9000"),
    ],
)
def test_a_multiple_that_is_not_understood_is_not_replaced(
    read, divisor: str, found: int | str | None
) -> None:
    expected = (
        Unclear(f"its size_divisor is {found}, expected 1 to 8192 pixels")
        if isinstance(found, str)
        else found
    )
    recipe = read(f"{NORMALISED}data_preprocessor = dict(test_cfg=dict(size_divisor={divisor}))")
    assert recipe.size_multiple == expected
    pad = read(f"{NORMALISED}test_pipeline = [dict(type='Pad', size_divisor={divisor})]")
    assert pad.size_multiple == expected


@pytest.mark.parametrize(
    ("divisor", "found"),
    [
        ("null", 1),
        ("16", 16),
        ("-32", "-32"),
        ("[32, 32]", "a list"),
        ("true", "True"),
        ("'32'", "'32'"),
    ],
)
def test_likewise_paddlesegs(read, divisor: str, found: int | str) -> None:
    step = f"{{type: Resize, target_size: [8, 8], size_divisor: {divisor}}}"
    assert read(f"val_dataset: {{transforms: [{step}]}}", ".yml").size_multiple == (
        Unclear(f"its size_divisor is {found}, expected 1 to 8192 pixels")
        if isinstance(found, str)
        else found
    )


def test_what_stands_in_a_pipeline_that_is_not_understood_is_unclear_as_well(read) -> None:
    recipe = read(OLD.replace("test_pipeline = [", "test_pipeline = [f(),"))
    assert isinstance(recipe.resizing, Unclear)
    assert recipe.mean == recipe.std == recipe.channel_order == recipe.size_multiple
    assert recipe.mean == recipe.resizing
    several = read(OLD.replace("flip=False", "img_ratios=[0.5, 1.0]"))
    assert several.resizing == Unclear("its test pipeline takes several scales")
    assert (several.mean, several.size_multiple) == ((123.675, 116.28, 103.53), 32)
    paddle = read("val_dataset: {transforms: [7, {type: Normalize}]}", ".yml")
    assert isinstance(paddle.size_multiple, Unclear)


def test_padding_to_a_size_is_unclear_whatever_else_stands_there(read) -> None:
    step = "dict(type='Pad', size=(512, 512), size_divisor=None)"
    recipe = read(f"{NORMALISED}test_pipeline = [{step}]")
    assert recipe.resizing == Unclear("its test pipeline pads to a size, expected to a multiple")


def test_names_and_colours_of_classes(read) -> None:
    metainfo = "dict(classes=('a', 'b'), palette=[[1, 2, 3], [4, 5, 6]])"
    text = f"{NORMALISED}test_dataloader = dict(dataset=dict(metainfo={metainfo}, pipeline=[]))"
    recipe = read(text)
    assert recipe.class_names == ("a", "b")
    assert recipe.palette_rgb == ((1, 2, 3), (4, 5, 6))
    wrong = text.replace("'b'", "7").replace("6", "600")
    assert read(wrong).class_names == Unclear("it calls a class 7")
    assert isinstance(read(wrong).palette_rgb, Unclear)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "config.py says nothing of how images are prepared: expected a test_pipeline"),
        ("x = = 1", "config.py is no Python, see line 1"),
        ("x = 1\nimport os\nos.remove('x')", "something else than assigning names, line 3"),
        ("if True:\n  x = 1", "something else than assigning names, line 1"),
        ("x = []\nx[0] = 1", "something else than assigning names, line 2"),
        ("with read_base():\n  from .a import *", "imports what it builds on, line 1, which"),
        ("_base_ = 'config.py'", "config.py builds on config.py, which builds on it"),
        ("_base_ = 'other.py'", "config.py builds on other.py, which builds on config.py, which"),
        ("_base_ = '/etc/passwd.py'", "builds on /etc/passwd.py: expected a path that counts"),
        ("_base_ = 'C:\\\\a.py'", "expected a path that counts from its own"),
        ("_base_ = '../../secret.txt'", "builds on ../../secret.txt: expected a file .py"),
        ("_base_ = f()", "config.py computes what it builds on, line 1"),
        ("_base_ = ['one.py', 'one.py']", "config.py has several bases that assign x"),
        ("x = " + "[" * 90 + "]" * 90 + "\n", "says nothing of how images are prepared"),
        ("x = " + "[" * 100_000, "config.py is"),
        ("x = " + "-" * 100_000 + "1", "config.py is"),
        ("x = [" + "0," * 60_000 + "]", "it has more than 50000 values, line 1"),
        ("x = f'{a" + ".a" * 130_000 + "}'", "config.py is nested too deeply, line 1"),
        ("x = " + "not " * 50_000 + "1", "config.py is"),
        ("x = 1" + "+1" * 130_000, "config.py is nested too deeply, line 1"),
        ("x = _base_" + "[0]" * 80_000, "config.py is nested too deeply, line 1"),
        ("x = f" + "(1, 1)" * 40_000, "config.py is nested too deeply, line 1"),
        ("x = [" + "(1, [1\n" * 300 + "," + "+1" * 800, "config.py is nested too deeply, line"),
        ("x = '''" + ".a" * 2000 + "'''\ny = [" + "1+1,\n" * 5000 + "]", "says nothing of how"),
        ("x = " + "1 if 1 else " * 20_000 + "1", "config.py "),
        ("x = " + "lambda: " * 30_000 + "1", "config.py "),
        ("if 1: pass\n" + "elif 1: pass\n" * 20_000, "config.py "),
        ("x = 1 #" + "x" * (1 << 18), "config.py has more than 262144 bytes"),
        ("x = '\ud800'", "config.py is no text in UTF-8"),
    ],
    ids=lambda text: text[:30],
)
def test_files_that_are_no_configurations(read, tmp_path, text: str, message: str) -> None:
    (tmp_path / "config.py").write_bytes(text.encode("utf-8", "surrogatepass"))
    (tmp_path / "other.py").write_text("_base_ = ['config.py']")
    (tmp_path / "one.py").write_text("x = 1")
    with pytest.raises(UsageError) as raised:
        read_config(tmp_path / "config.py")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.yml is no configuration: expected names and values"),
        ("[1, 2]", "config.yml is no configuration: expected names and values"),
        ("a: [", "config.yml is no YAML, see line 1"),
        ("a: !!python/object/apply:os.system [ls]", "holds more than plain values, see line 1"),
        ("a: 2001-99-99", "config.yml is no YAML, or is damaged"),
        ("a: [" * 5000, "config.yml is"),
        ("a: " + "x" * 20_000, "it has a value of endless length"),
        ("a: [" + "1," * 60_000 + "]", "it has more than 50000 values"),
        ("_base_: 7", "config.yml is no configuration: expected paths for _base_"),
        ("_base_: /etc/passwd", "builds on /etc/passwd: expected a path that counts from its own"),
        ("_base_: config.yml", "config.yml builds on config.yml, which builds on it"),
        ("a: 1", "config.yml says nothing of how images are prepared"),
    ],
    ids=lambda text: text[:30],
)
def test_yaml_that_is_no_configuration(read, text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text, ".yml")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_aliases_within_aliases_take_no_time_or_memory(read) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    lines.append("val_dataset: {transforms: *a29}")
    recipe = read("\n".join([*lines, PADDLE.replace("val", "train")]), ".yml")
    assert isinstance(recipe.resizing, Unclear)
    with pytest.raises(UsageError, match=r"config.yml takes values over by <<, line 2: expected"):
        read("m0: &m0 {a: 1}\nm1: {<<: [*m0, *m0]}", ".yml")


_MANY = "z = [0] * 9999\nd = dict(**{'a': z})\n"


@pytest.mark.parametrize(
    "line",
    [
        f"x = [{'[*z],' * 2000}]",
        f"x = ({'(*z, *z),' * 2000})",
        f"x = [{'list(z),' * 2000}]",
        f"x = [{'tuple(z),' * 2000}]",
        f"x = [{'z + z,' * 2000}]",
        f"x = [{'z * 4,' * 2000}]",
        "x = z * 10\n" * 2000,
        f"x = [{'{**w},' * 2000}]",
        f"x = [{'dict(w),' * 2000}]",
        f"x = [{'dict(**w),' * 2000}]",
        f"x = dict({'**{**w},' * 2000})",
        "z = z + z\n" * 100,
        "z = [*z, *z]\n" * 100,
        "x = [0] * 10_000_000_000_000",
    ],
    ids=lambda line: line[:24],
)
def test_a_text_does_not_grow_in_memory(line: str) -> None:
    wide = ", ".join(f"a{number}=0" for number in range(1000))
    text = f"{_MANY}w = dict({wide})\n{line}\n{NORMALISED}"
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match=r"it has more than 50000 values, line \d+"):
            recipe_of_text(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6  # what Python's own parser takes included


def test_merging_does_not_multiply_what_it_builds_on(read) -> None:
    wide = ", ".join(f"a{number}=0" for number in range(5000))
    names = [f"b{number}" for number in range(5000)]
    base = f"z = dict({wide})\ny = dict({', '.join(f'{name}=z' for name in names)})\n"
    top = f"_base_ = 'base.py'\ny = dict({', '.join(f'{name}=dict()' for name in names)})\n"
    with pytest.raises(UsageError, match="is no configuration: it has too many entries"):
        read(top, base=base)


def test_a_pipeline_of_pipelines_is_bounded(read) -> None:
    text = (
        "one = [dict(type='A')] * 1000\n"
        f"{NORMALISED}test_pipeline = [dict(type='MultiScaleFlipAug', transforms=one)] * 1000\n"
    )
    recipe = read(text)
    assert recipe.resizing == Unclear("its test pipeline has more than 1000 steps")
    assert recipe.notes == ("config.py: its test pipeline has 'A', which is not done here",)


@pytest.mark.parametrize("names", [".a" * 990, ".a" * 5_000, ".a" * 130_000])
def test_names_of_bases_in_a_row_are_no_recursion(read, names: str) -> None:
    text = f"x = _base_{names}\n{NORMALISED}"
    if len(names) < 2000:
        assert recipe_of_text(text).mean == read(text).mean == (1.0, 2.0, 3.0)
        return
    with pytest.raises(ConfigError, match=r"^is nested too deeply, line 1$"):
        recipe_of_text(text)
    with pytest.raises(UsageError, match=r"^config.py is nested too deeply, line 1$"):
        read(text)


def test_names_of_bases_are_found_one_in_another(read) -> None:
    base = "one = dict(two=dict(three=[1, 2, 3]))"
    text = "_base_ = 'base.py'\ndata_preprocessor = dict(mean=_base_.one.two.three, std=[1])"
    assert read(text, base=base).mean == (1.0, 2.0, 3.0)
    assert isinstance(read(text.replace("two", "four"), base=base).mean, Unclear)


def test_a_base_that_is_missing_is_said_and_the_rest_taken(read) -> None:
    recipe = read(f"_base_ = ['../models/none.py', 'mmseg::a.py']\n{NORMALISED}")
    assert recipe.mean == (1.0, 2.0, 3.0)
    assert recipe.notes == (
        "config.py builds on ../models/none.py, which is not there: what it says is not taken",
        "config.py builds on mmseg::a.py, which is part of a package: what it says is not taken",
    )


def test_files_in_a_row_and_beside_each_other_are_bounded(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"c{number}.py").write_text(f"_base_ = ['c{number + 1}.py']")
    with pytest.raises(UsageError, match="builds on more than 64 files, or 16 in a row"):
        read_config(tmp_path / "c0.py")
    for number in range(1, 8):  # 2 ** 7 files, were they all read
        (tmp_path / f"c{number}.py").write_text(f"_base_ = ['c{number + 1}.py'] * 2")
    (tmp_path / "c8.py").write_text("")
    with pytest.raises(UsageError, match="builds on more than 64 files"):
        read_config(tmp_path / "c0.py")


@pytest.mark.parametrize("name", ["config.json", "config", "config.py.txt"])
def test_other_kinds_of_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"expected a configuration of mmsegmentation \(.py\) or"):
        read_config(tmp_path / name)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^none.py cannot be read: No such file or directory$"):
        read_config(tmp_path / "none.py")


def test_what_is_not_done_here_is_noted(read) -> None:
    text = (
        f"{NORMALISED}model = dict(test_cfg=dict(mode='slide'))\n"
        "test_pipeline = [dict(type='LoadImageFromFile', to_float32=True), dict(type='Equalize')]"
    )
    assert read(text).notes == (
        "config.py: it resizes images as floats, which are resized as bytes here",
        "config.py: its test pipeline has 'Equalize', which is not done here",
        "config.py: its test slides a window over images, which --tile does here",
    )


def test_the_text_in_a_checkpoint_opens_no_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.py").write_text(DATASET)
    recipe = recipe_of_text(f"_base_ = 'base.py'\n{NORMALISED}")
    assert (recipe.mean, recipe.resizing) == ((1.0, 2.0, 3.0), None)
    with pytest.raises(ConfigError, match="has more than 262144 characters"):
        recipe_of_text("#" * (1 << 19))
