import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from ppmobileseg_deploy import (
    ImageError,
    MetadataWarning,
    ModelError,
    OrtSegmenter,
    OutputError,
    UsageError,
)
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.images.files import read_image
from ppmobileseg_deploy.runtime.results.class_merging import ClassMerging

MakeModel = Callable[..., Path]
Draw = Callable[[int, int], NDArray[np.uint8]]
RED, GREEN, BLUE = 0, 1, 2


@pytest.mark.parametrize(
    ("color_bgr", "class_id"),
    [((0, 0, 255), RED), ((0, 255, 0), GREEN), ((255, 0, 0), BLUE)],
)
def test_a_red_image_is_red(
    color_bgr: tuple[int, int, int], class_id: int, rgb_model: Path, tmp_path: Path
) -> None:
    segmenter = OrtSegmenter(rgb_model)
    image_bgr = np.full((40, 50, 3), color_bgr, np.uint8)
    path = tmp_path / "plain.png"
    Image.fromarray(image_bgr[:, :, ::-1]).save(path)
    for image in (image_bgr, path, str(path), Image.open(path)):
        result = segmenter(image)
        assert result.areas() == {segmenter.names[class_id]: 1.0}
        assert result.labels.shape == (40, 50)


@pytest.mark.parametrize("size_hw", [(512, 512), (97, 131), (1080, 1920), (33, 700), (601, 400)])
@pytest.mark.parametrize("model", ["rgb_model", "logits_model"])
def test_labels_lie_where_the_colors_are(
    size_hw: tuple[int, int], model: str, quadrants_bgr: Draw, request: pytest.FixtureRequest
) -> None:
    height, width = size_hw
    labels = OrtSegmenter(request.getfixturevalue(model))(quadrants_bgr(height, width)).labels
    expected = np.zeros(size_hw, np.uint8)
    expected[: height // 2, width // 2 :] = GREEN
    expected[height // 2 :, : width // 2] = BLUE
    # Only along the two edges may interpolation blur what belongs where.
    rows = np.abs(np.arange(height) - height // 2) > max(2, height // 256)
    columns = np.abs(np.arange(width) - width // 2) > max(2, width // 256)
    assert np.array_equal(labels[rows][:, columns], expected[rows][:, columns])


@pytest.mark.parametrize("model", ["rgb_model", "logits_model"])
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 4000), (4000, 1), (2, 3)])
def test_extreme_sizes_work(
    size_hw: tuple[int, int], model: str, request: pytest.FixtureRequest
) -> None:
    image = np.full((*size_hw, 3), (10, 200, 30), np.uint8)
    result = OrtSegmenter(request.getfixturevalue(model))(image)
    assert result.orig_shape == size_hw
    assert (result.labels == GREEN).all()


def test_rotated_photographs_are_segmented_upright(
    rgb_model: Path, quadrants_bgr: Draw, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    path = tmp_path / "held.png"
    Image.fromarray(quadrants_bgr(60, 100)[:, :, ::-1]).save(path, exif=exif)
    result = OrtSegmenter(rgb_model)(path)
    assert result.labels.shape == (100, 60)
    corners = result.labels[[5, 5, -5, -5], [5, -5, 5, -5]]
    assert corners.tolist() == [BLUE, RED, RED, GREEN]
    assert np.array_equal(result.image_bgr, read_image(path))


def test_logits_and_labels_of_a_photograph_agree_but_for_edges(
    rgb_model: Path, logits_model: Path, photograph: Callable[[str], Path]
) -> None:
    path = photograph("rocket.jpg")
    fine = OrtSegmenter(logits_model)(path).labels
    coarse = OrtSegmenter(rgb_model)(path).labels
    assert fine.shape == coarse.shape == (427, 640)
    assert np.mean(fine == coarse) > 0.98


def test_the_result_knows_its_image_names_and_times(
    rgb_model: Path, rgb_metadata: ModelMetadata, tmp_path: Path
) -> None:
    image = np.full((20, 30, 3), 90, np.uint8)
    segmenter = OrtSegmenter(rgb_model)
    result = segmenter(image)
    assert result.path is None
    assert result.image_bgr is image
    assert (result.names, result.palette_rgb) == (
        rgb_metadata.class_names,
        rgb_metadata.palette_rgb,
    )
    assert list(result.speed) == ["preprocess", "inference", "postprocess"]
    assert all(0 < milliseconds < 60_000 for milliseconds in result.speed.values())
    Image.fromarray(image).save(tmp_path / "gray.png")
    assert segmenter(str(tmp_path / "gray.png")).path == tmp_path / "gray.png"


def test_colors_come_in_either_order(rgb_model: Path, quadrants_bgr: Draw) -> None:
    segmenter = OrtSegmenter(rgb_model)
    image_bgr = quadrants_bgr(40, 60)
    image_rgb = image_bgr[:, :, ::-1]
    expected = segmenter(image_bgr).labels
    for result in (
        segmenter(image_rgb, color="rgb"),
        *segmenter.batch([image_rgb, Image.fromarray(image_rgb)], color="rgb"),
    ):
        assert np.array_equal(result.labels, expected)
        assert np.array_equal(result.image_bgr, image_bgr)
    with pytest.raises(UsageError, match="color"):
        segmenter(image_bgr, color="hsv")
    # A mistake shows at once, and not only when the first array comes.
    with pytest.raises(UsageError, match="expected color to be bgr or rgb, found 'RGB'"):
        segmenter("street.jpg", color="RGB")
    with pytest.raises(UsageError, match="expected color to be bgr or rgb, found 'RGB'"):
        segmenter.batch([], color="RGB")


def test_eight_threads_get_what_one_gets(logits_model: Path, rgb_model: Path) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (20 + 13 * i, 90 - 7 * i, 3), dtype=np.uint8) for i in range(8)]
    for model in (logits_model, rgb_model):
        segmenter = OrtSegmenter(model, input_size_hw=(128, 128))
        expected = [result.labels for result in segmenter.batch(images)]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(segmenter, images * 6))
        for i, result in enumerate(found):
            assert np.array_equal(result.labels, expected[i % 8])


def test_above_256_classes_labels_have_sixteen_bits(make_model: MakeModel) -> None:
    metadata = ModelMetadata(
        class_names=tuple(f"class {i}" for i in range(300)), palette_rgb=distinct_palette(300)
    )
    segmenter = OrtSegmenter(make_model(props=metadata.to_props(), first_id=290))
    result = segmenter(np.full((9, 9, 3), (255, 0, 0), np.uint8))
    assert result.labels.dtype == np.uint16
    assert result.areas() == {"class 292": 1.0}
    assert result.plot().shape == (9, 9, 3)


def test_a_class_that_has_no_name_is_an_error(
    make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    model = make_model("high.onnx", props=rgb_metadata.to_props(), first_id=2)
    with pytest.raises(ModelError, match=r"high\.onnx: expected class ids in \[0, 3\), found 4"):
        OrtSegmenter(model)(np.full((9, 9, 3), (255, 0, 0), np.uint8))


def test_a_static_model_takes_images_of_any_size(
    make_model: MakeModel, rgb_metadata: ModelMetadata, quadrants_bgr: Draw
) -> None:
    model = make_model(props=rgb_metadata.to_props(), input_shape=(1, 3, 64, 96))
    for segmenter in (OrtSegmenter(model), OrtSegmenter(model, input_size_hw=(64, 96))):
        labels = segmenter(quadrants_bgr(300, 200)).labels
        assert labels.shape == (300, 200)
        assert labels[[10, 10, -10, -10], [10, -10, 10, -10]].tolist() == [RED, GREEN, BLUE, RED]
    with pytest.raises(UsageError, match="expected input size 64x96"):
        OrtSegmenter(model, input_size_hw=(64, 64))


@pytest.mark.parametrize("model", ["coarse_model", "older_model"])
@pytest.mark.parametrize("size_hw", [(1080, 1920), (300, 200)])
def test_a_fixed_size_pins_the_session_and_changes_no_label(
    size_hw: tuple[int, int],
    model: str,
    request: pytest.FixtureRequest,
    quadrants_bgr: Draw,
    capfd: pytest.CaptureFixture[str],
) -> None:
    image_bgr = quadrants_bgr(*size_hw)
    path = request.getfixturevalue(model)
    fixed = OrtSegmenter(path, fixed_size=(96, 160))
    assert fixed._sessions.for_size((96, 160)).lazy.inference.get_inputs()[0].shape == [
        1,
        3,
        96,
        160,
    ]
    free = OrtSegmenter(path, input_size_hw=(96, 160))
    # The free one pads less than the fixed one, which the means near the border cannot see.
    assert np.array_equal(fixed(image_bgr).labels, free(image_bgr).labels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "input_shape",
    [
        (1, 3, 64, 96),
        (1, 3, "height", "width"),
        ("batch", 3, "side", "side"),
        ("batch", 3, "", ""),
    ],
)
def test_a_fixed_size_works_whatever_dimensions_are_called(
    input_shape: tuple[int | str, ...],
    make_model: MakeModel,
    rgb_metadata: ModelMetadata,
    quadrants_bgr: Draw,
) -> None:
    model = make_model(props=rgb_metadata.to_props(), input_shape=input_shape)
    labels = OrtSegmenter(model, fixed_size=(64, 96))(quadrants_bgr(300, 200)).labels
    assert labels[[10, 10, -10, -10], [10, -10, 10, -10]].tolist() == [RED, GREEN, BLUE, RED]


def test_the_warning_about_missing_metadata_points_at_the_caller(make_model: MakeModel) -> None:
    with pytest.warns(MetadataWarning) as caught:
        OrtSegmenter(make_model())
    assert caught[0].filename == __file__


def test_repr_and_properties(rgb_model: Path, rgb_metadata: ModelMetadata) -> None:
    segmenter = OrtSegmenter(rgb_model, threads=1)
    assert repr(segmenter) == ("OrtSegmenter(rgb.onnx, unknown, 3 classes, labels, device='cpu')")
    assert segmenter.metadata == rgb_metadata
    assert segmenter.names == ("red", "green", "blue")
    assert segmenter.device == "cpu"


@pytest.mark.parametrize("image", [None, np.full((4, 4, 3), 0.5), "none.png", Path("none.png")])
def test_unusable_images_are_image_errors(image: object, rgb_model: Path) -> None:
    with pytest.raises(ImageError):
        OrtSegmenter(rgb_model)(image)  # type: ignore[arg-type]


def test_a_name_with_a_null_character_is_an_error_of_ours(
    rgb_model: Path, quadrants_bgr: Draw
) -> None:
    segmenter = OrtSegmenter(rgb_model)
    with pytest.raises(ImageError, match="null"):
        segmenter("\0.png")
    with pytest.raises(OutputError, match="null"):
        segmenter(quadrants_bgr(8, 8)).save("nul\0.png")
    with pytest.raises(ModelError, match="no such file"):
        OrtSegmenter("\0.onnx")


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "HTTP://example.org/a.jpg"])
def test_addresses_are_for_streams(address: str, rgb_model: Path) -> None:
    with pytest.raises(ImageError, match=rf"an address: segmenter\.stream\('{address}'\)"):
        OrtSegmenter(rgb_model)(address)


@pytest.mark.parametrize("workers", [None, 1, 2, 5])
@pytest.mark.parametrize("threads", [None, 1, 3])
def test_workers_give_what_single_calls_give(
    workers: int | None,
    threads: int | None,
    logits_model: Path,
    quadrants_bgr: Draw,
    tmp_path: Path,
) -> None:
    segmenter = OrtSegmenter(logits_model, threads=threads)
    sizes_hw = [(40, 60), (64, 64), (33, 90)] * 3
    images = [quadrants_bgr(*size_hw) for size_hw in sizes_hw]
    expected = [segmenter(image).labels for image in images]
    for number, image in enumerate(images):
        Image.fromarray(image[:, :, ::-1]).save(tmp_path / f"{number}.png")
    found = segmenter.batch(images, workers=workers)
    assert all(np.array_equal(a.labels, b) for a, b in zip(found, expected, strict=True))
    streamed = list(segmenter.stream(tmp_path, workers=workers))
    assert [result.path for result in streamed] == [
        tmp_path / f"{number}.png" for number in range(9)
    ]
    assert all(np.array_equal(a.labels, b) for a, b in zip(streamed, expected, strict=True))


def test_a_stream_of_workers_ends_where_the_segmenter_is_closed(
    rgb_model: Path, quadrants_bgr: Draw
) -> None:
    segmenter = OrtSegmenter(rgb_model)
    results = segmenter.stream([quadrants_bgr(32, 32)] * 100, workers=2)
    next(results)
    segmenter.close()
    with pytest.raises(UsageError, match="closed"):
        list(results)


def test_a_session_of_the_users_is_run_by_workers_only_when_asked(
    rgb_model: Path, quadrants_bgr: Draw
) -> None:
    session = onnxruntime.InferenceSession(rgb_model)
    segmenter = OrtSegmenter(session)
    images = [quadrants_bgr(32, 32)] * 4
    expected = segmenter(images[0]).labels
    for workers in (None, 2):
        found = segmenter.batch(images, workers=workers)
        assert all(np.array_equal(result.labels, expected) for result in found)


def test_workers_and_stacks_exclude_each_other(rgb_model: Path) -> None:
    images = [np.zeros((32, 32, 3), np.uint8)] * 2
    with pytest.raises(UsageError, match="expected a batch_size or workers, found both"):
        OrtSegmenter(rgb_model).batch(images, batch_size=2, workers=2)
    with pytest.raises(UsageError, match="expected 1 to 1024 workers, found 0"):
        OrtSegmenter(rgb_model).batch(images, workers=0)
    with pytest.raises(UsageError, match=r"expected 1 to 1024 workers, found 2\.0"):
        OrtSegmenter(rgb_model).stream(images, workers=2.0)  # type: ignore[arg-type]


def test_workers_have_the_sessions_that_are_expected(rgb_model: Path, quadrants_bgr: Draw) -> None:
    segmenter = OrtSegmenter(rgb_model, threads=2, input_size_hw=(64, 64))
    segmenter.expect([(64, 64)])
    images = [quadrants_bgr(32, 32)] * 40
    segmenter.batch(images, workers=2)
    several = segmenter._sibling
    assert several is not None
    assert several._opened().pinned_sizes_hw == ((64, 64),)
    segmenter.expect([(32, 64)])
    segmenter.batch(images, workers=2)
    assert segmenter._sibling is several
    assert several._opened().pinned_sizes_hw == ((64, 64), (32, 64))


def test_a_list_of_one_image_gets_all_threads(rgb_model: Path, quadrants_bgr: Draw) -> None:
    segmenter = OrtSegmenter(rgb_model, threads=2)
    assert len(segmenter.batch([quadrants_bgr(32, 32)])) == 1
    assert segmenter._sibling is None


def test_expected_sizes_are_those_of_images(rgb_model: Path) -> None:
    segmenter = OrtSegmenter(rgb_model, input_size_hw=(64, 64))
    segmenter.expect([(640, 640), (1280, 640), (320, 320)])
    assert segmenter._sessions is not None
    assert segmenter._sessions.pinned_sizes_hw == ((64, 64), (64, 32))


@pytest.mark.parametrize("form", ["dict", "file", "merging"])
def test_classes_are_merged_in_whatever_gives_results(logits_model, quadrants_bgr, tmp_path, form):
    merged = {"warm": ["red"], "cold": "*"}
    (tmp_path / "m.json").write_text(json.dumps(merged))
    plain = OrtSegmenter(logits_model)
    merge = {
        "dict": merged,
        "file": tmp_path / "m.json",
        "merging": ClassMerging.of(merged, plain.names, plain.metadata.palette_rgb),
    }[form]
    image_bgr = quadrants_bgr(64, 96)
    expected = (plain(image_bgr).labels != 0).astype(np.uint8)
    segmenter = OrtSegmenter(logits_model, merge=merge, confidence=True)
    assert segmenter.names == segmenter.metadata.class_names == ("warm", "cold")
    results = [
        segmenter(image_bgr),
        segmenter.tiled(image_bgr, tile_hw=(64, 64), overlap=16),
        pickle.loads(pickle.dumps(segmenter))(image_bgr),
        *segmenter.batch([image_bgr, image_bgr], workers=2),
        *segmenter.stream([image_bgr]),
    ]
    for result in results:
        assert result.names == ("warm", "cold")
        assert result.palette_rgb == segmenter.metadata.palette_rgb
        assert np.array_equal(result.labels, expected)


def test_a_merging_of_another_model_is_refused(logits_model):
    merging = ClassMerging.of({"all": "*"}, ("a", "b"), ((0, 0, 0), (1, 1, 1)))
    with pytest.raises(UsageError, match="expected 2 classes to merge, found a model of 3"):
        OrtSegmenter(logits_model, merge=merging)
