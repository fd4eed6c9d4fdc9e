"""Segmenter: the class that applications use, from an image to its class ids."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..cache import OFFICIAL_MODELS
from ..errors import ImageError, UsageError
from ..files import kind_of
from ..metadata import RGB, ModelMetadata
from ..types import ColorOrder, Device, ImageBGR, SizeHW
from .images.arrays import check_color
from .images.files import check_max_pixels
from .images.headers import MAX_PIXELS
from .inference.classes import Classes
from .inference.execution import Execution, Provider
from .inference.label_head import LabelHead
from .inference.openvino import Precision
from .inference.preprocessing import Preprocessing
from .inference.session import Model, open_session
from .inference.session_pool import SessionPool
from .inference.threads import usable_cores
from .inference.workers import Workers, share_cores
from .parallel import InOrder
from .picture import ImageSource, Picture
from .pipeline import Pipeline, check_batch, segment_in_batches
from .results.class_merging import ClassMerging
from .results.result import SegmentationResult

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on

    from .inference.tile_grid import Progress
    from .streaming import Location


class OrtSegmenter:
    """A segmentation model, ready to be called from any number of threads.

    It can be pickled, and used in a process that was forked off: ONNX Runtime's session is then
    opened again from the file, which must not have changed, or from its content, when the first
    image comes. That takes as long as some images do: hand it to a pool's ``initializer``, once
    for each process, rather than with every image.

    Args:
        model: Path of an ONNX file, or its content; or ``"tiny"`` or ``"base"`` for the official
            model that ``ppms-export`` has made here before, unless a file is called so; or an
            ``onnxruntime.InferenceSession``, which is used as it is: no argument about devices,
            threads or sessions goes with it, and it cannot be pickled or used after a fork.
        device: ``"cpu"``, ``"cuda"``, ``"coreml"``, ``"dml"`` or ``"openvino"``; there is no
            silent fall back to another one.
        threads: Threads within an operator; None for as many as there are cores, or fewer where
            ``OMP_NUM_THREADS``, the CPU affinity or the container leave less to this process.
        input_size_hw: Scale images to fit inside this size in place of the model's resize rule:
            smaller is faster, larger shows finer things.
        fixed_size: Height and width of the network's input, multiples of 32: images are scaled
            to fit inside and padded to exactly this. For streams: 5 to 10 % faster than
            leaving it open, from the first image on. Without it, the same happens by itself
            after 32 images in a row whose input size is the same.
        names: Name of each class id, in place of those in the file. A file without metadata
            then has so many classes.
        palette_rgb: (red, green, blue) in [0, 255] of each class id, or of the classes of these
            names, in place of those in the file.
        merge: Fewer classes: which become which, as `SegmentationResult.merged` takes it, or a
            JSON file with that; ``classes`` and all else then mean the new ones.
        confidence: Compute how sure each pixel's class is. Not for files that give labels only.
        threshold: Of a head of one class, in files with logits or with one channel: the
            probability above which a pixel is of that class, in place of the file's, or of 0.3.
        timeout: Most seconds that the network may take for an image, or for a tile; for services.
            None for any number, or for 20 where the file has a loop in its graph.
        max_pixels: Larger images are refused before a pixel is decoded; arrays, which are in
            memory already, are not.
        sess_options: ``onnxruntime.SessionOptions``, used as they are and never changed. None of
            our own settings (sleeping threads, no memory planning, a shared arena, sessions
            pinned to a size) is made then, and the segmenter cannot be pickled.
        providers: Execution providers in place of a device, as ONNX Runtime takes them: names, or
            tuples of name and options.
        provider_options: Options of each provider, where these are names.
        precision: What device ``"openvino"`` computes in: ``"fp32"``, as all devices do without
            it; ``"bf16"``, which is faster and rounds more; or ``"auto"`` for ``"bf16"`` where
            the processor has it.

    Raises:
        ModelError: The file is missing, damaged, or no segmentation model; or it wants to read
            files outside its folder.
        DeviceError: The device or provider is not available here.
        UsageError: An argument, or a combination, has no meaning for this model; or the official
            model was not exported here before.

    Examples:
        >>> segmenter = OrtSegmenter("end2end.onnx")
        >>> result = segmenter("street.jpg")
        >>> result.orig_shape
        (512, 512)
        >>> result.save("street_overlay.png")
    """

    def __init__(
        self,
        model: Model,
        device: Device = "cpu",
        threads: int | None = None,
        *,
        input_size_hw: SizeHW | None = None,
        fixed_size: SizeHW | None = None,
        names: Sequence[str] | None = None,
        palette_rgb: Sequence[RGB] | Mapping[str, RGB] | None = None,
        merge: str | Path | Mapping[str, Any] | ClassMerging | None = None,
        confidence: bool = False,
        threshold: float | None = None,
        timeout: float | None = None,
        max_pixels: int = MAX_PIXELS,
        sess_options: ort.SessionOptions | None = None,
        providers: Sequence[Provider] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
        precision: Precision | None = None,
    ) -> None:
        self._max_pixels = check_max_pixels(max_pixels)
        model = _file_of_official(model)
        execution = Execution.of(
            device, threads, sess_options, providers, provider_options, precision
        )
        session = open_session(model, execution, Classes(names, palette_rgb, threshold), timeout)
        if confidence and session.interface.output.kind != "logits":
            raise UsageError(_needs_logits("the confidence comes from", session.source))
        interface = session.interface
        preprocess = Preprocessing.from_metadata(
            interface.metadata,
            input_size_hw=input_size_hw,
            fixed_size_hw=fixed_size,
            static_size_hw=interface.static_size_hw,
            takes_bytes=interface.takes_bytes,
        )
        metadata, merging = interface.metadata, None
        if merge is not None:
            merging = ClassMerging.coming_from(merge, metadata.class_names, metadata.palette_rgb)
            metadata = replace(
                metadata, class_names=merging.names, palette_rgb=merging.palette_rgb
            )
        self._pipeline = Pipeline(
            metadata=metadata,
            merging=merging,
            model_file=session.model_file,
            preprocess=preprocess,
            head=LabelHead(interface.metadata.num_classes, interface.scores, execution.threads),
            confidence=confidence,
        )
        self._source, self._device = session.source, session.device
        self._precision = execution.precision
        self._output = interface.output.kind
        # All that holds the model, so that letting go of both is closing.
        self._sessions: SessionPool | None = SessionPool(session, preprocess.padded_hw)
        self._sibling: OrtSegmenter | None = None
        self._threads = execution.threads

    @property
    def metadata(self) -> ModelMetadata:
        """The model's metadata, with the names and colours of the classes that results have."""
        return self._pipeline.metadata

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class id."""
        return self.metadata.class_names

    @property
    def device(self) -> str:
        """Where the model runs; the name of the first provider where no device is called so."""
        return self._device

    @property
    def precision(self) -> str | None:
        """``"fp32"`` or ``"bf16"`` on device ``"openvino"``; None elsewhere: as in the file."""
        return self._precision

    @property
    def output(self) -> str:
        """Output of the model: ``"labels"``, or ``"logits"``, which tiles and confidence need."""
        return self._output

    def __call__(self, image: ImageSource, *, color: ColorOrder = "bgr") -> SegmentationResult:
        """Segment one image.

        Args:
            image: Path of an image file, its content as bytes, the file open for reading bytes, a
                PIL image, or an array: (height, width, 3), or (height, width) for gray; uint8, or
                another type that holds nothing but whole numbers in [0, 255].
            color: Order of an array's channels: ``"bgr"`` as OpenCV gives it, or ``"rgb"``.

        Raises:
            ImageError: The image cannot be read, is too large, or has an unusable shape or type.
                For what is no single image, the message names the call that takes it.
            ModelTimeoutError: The model takes longer than it may.
            ModelError: The model fails on it, or gives scores that are no numbers.
            UsageError: ``color`` is neither of the two, or the segmenter was closed.

        Examples:
            >>> image_rgb = np.full((480, 640, 3), (90, 120, 30), np.uint8)
            >>> segmenter(image_rgb, color="rgb").labels.shape
            (480, 640)
        """
        return self._segment(Picture.of(image, color, self._max_pixels))

    def segment_bgr(self, image_bgr: ImageBGR) -> SegmentationResult:
        """Segment an image that was decoded already; nothing about it is checked.

        For sources that give images in this form themselves, such as those of this package.

        Args:
            image_bgr: (height, width, 3) uint8, BGR, contiguous, at least 1x1.

        Raises:
            ModelTimeoutError: The model takes longer than it may.
            ModelError: The model fails on it, or gives scores that are no numbers.
            UsageError: The segmenter was closed.

        Examples:
            >>> segmenter.segment_bgr(np.zeros((480, 640, 3), np.uint8)).labels.shape
            (480, 640)
        """
        return self._segment(Picture(image_bgr, None))

    def expect(self, sizes_hw: Iterable[SizeHW]) -> None:
        """Open sessions for images of these sizes now, and for no other size by itself.

        By itself, a session is opened after 32 images in a row whose network input has one size.
        It computes the same but for the rounding of float32. Where results must not depend on the
        images before, or on the order in which several threads come, call this first, also with no
        size at all.

        Args:
            sizes_hw: Height and width of images; up to three different inputs of the network.

        Raises:
            UsageError: The segmenter was closed.

        Examples:
            >>> segmenter.expect([(1080, 1920)])
        """
        inputs_hw: dict[SizeHW, None] = {}
        for size_hw in sizes_hw:
            with suppress(ImageError):  # too large, which segmenting it reports
                inputs_hw[self._pipeline.preprocess.network_hw(size_hw)[1]] = None
        self._opened().expect(inputs_hw)
        if self._sibling is not None:
            self._sibling._opened().expect(inputs_hw)

    def batch(
        self,
        images: Iterable[ImageSource],
        *,
        batch_size: int = 1,
        color: ColorOrder = "bgr",
        workers: int | None = None,
    ) -> list[SegmentationResult]:
        """Segment several images, which may differ in size.

        On a CPU those of a list are segmented several at a time, see `stream`.

        With a ``batch_size``, images whose network input has the same size go through the network
        together. That is for GPUs; on a CPU it seldom saves time: tiny (two threads) takes, in
        batches of 1, 2, 4 and 8, 12, 12, 19 and 20 ms an image at 512x512, and 5.4, 4.6, 4.2 and
        4.5 ms at 256x256.
        Files with ``vim="image"``, whose labels would depend on the neighbours, and files for one
        image at a time run one by one in any case.

        Args:
            images: Anything that a single call takes, in any mixture.
            batch_size: Most images in one run; with more than one, runs come one after the other.
            color: Order of the channels of arrays, ``"bgr"`` or ``"rgb"``.
            workers: How many images at a time, as for `stream`; not with a ``batch_size``.

        Returns:
            What single calls return but for rounding, in the same order. Times are shares of a
            run.

        Raises:
            ImageError: An image cannot be read; call one by one to keep the others.
            ModelError: The model fails on an image.
            UsageError: It is one image only, a batch size below 1, or an unknown order of
                channels; or the segmenter was closed.

        Examples:
            >>> results = segmenter.batch(["street.jpg", "street.jpg"], batch_size=2)
            >>> [result.path.name for result in results]
            ['street.jpg', 'street.jpg']
        """
        sessions = self._opened()
        check_color(color)
        check_batch(images, batch_size)
        if batch_size > 1 and workers is not None:
            raise UsageError("expected a batch_size or workers, found both")
        shared = self._shared(workers)
        # What else can be iterated over is asked in the thread of the caller.
        several_at_hand = isinstance(images, list | tuple | np.ndarray) and len(images) > 1
        if several_at_hand and batch_size == 1 and shared.count > 1:
            several = self._one_of_several(shared)
            sessions = several._opened()

            def segment(image: ImageSource) -> SegmentationResult:
                return several._segment(Picture.of(image, color, self._max_pixels), sessions)

            with InOrder(segment, images, shared.count) as results:
                return list(results)
        pictures = (Picture.of(image, color, self._max_pixels) for image in images)
        prepared = (self._pipeline.prepare(picture) for picture in pictures)
        return segment_in_batches(self._pipeline, sessions, prepared, batch_size)

    def stream(
        self,
        source: "Location | ImageSource | Iterable[Location | ImageSource]",
        *,
        recursive: bool = False,
        vid_stride: int = 1,
        max_frames: int | None = None,
        max_pixels: int | None = None,
        workers: int | None = None,
    ) -> Generator[SegmentationResult, None, None]:
        """Segment everything that a source gives, in order and in constant memory.

        Of folders, lists, patterns and videos several images are segmented at a time, which is
        1.4 times as fast on two cores as one after the other. What an iterator gives is segmented
        when it is asked for, and cameras' frames one by one.

        Args:
            source: An image, a video, a folder, a pattern, a list of paths in a text file,
                ``"-"`` for standard input, an address, the number of a camera, or what a single
                call takes (arrays are BGR); or an iterable of these.
            recursive: Also take what is in the folders below a folder.
            vid_stride: Of videos and cameras take every so many frames.
            max_frames: Stop each video or camera after so many frames were taken.
            max_pixels: Larger images and frames are refused before they are decoded; None for the
                segmenter's own limit.
            workers: How many images at a time, on equal shares of the segmenter's threads; None
                for one on each thread on a CPU, and for one at a time on other devices and with an
                ``InferenceSession`` or ``sess_options``.

        Returns:
            A generator of results. ``path`` is that of the file; ``frame_index`` and ``time_s``
            tell the frames of a video or a camera apart. Closing it closes the source.

        Raises:
            ImageError: While going through the results: a location gives nothing, or cannot be
                read. The results before it were given.
            UsageError: A number that makes no sense, or the segmenter was closed.

        Examples:
            >>> for result in segmenter.stream("*.jpg"):
            ...     print(result.path.name, result.orig_shape)
            street.jpg (512, 512)
        """
        # What fetches images from the web takes 25 ms to load, a sixth of this module.
        from .streaming import stream

        self._opened()
        shared = self._shared(workers)
        return stream(
            self.segment_bgr,
            source,
            workers=shared.count,
            several=lambda: self._one_of_several(shared).segment_bgr,
            recursive=recursive,
            vid_stride=vid_stride,
            max_frames=max_frames,
            max_pixels=self._max_pixels if max_pixels is None else max_pixels,
        )

    def tiled(
        self,
        image: ImageSource,
        *,
        tile_hw: SizeHW | None = None,
        overlap: int | None = None,
        color: ColorOrder = "bgr",
        progress: "Progress | None" = None,
    ) -> SegmentationResult:
        """Segment a large image tile by tile at its own resolution, in bounded memory.

        Args:
            image: What a single call takes.
            tile_hw: Size of a tile in pixels of the image; None for 512x512, or for the size of
                the network's input where it is fixed.
            overlap: Pixels that neighbours share at least, and over which their logits blend;
                None for 64, or for a quarter of the tile's shorter side where that is less.
            color: Order of an array's channels, ``"bgr"`` or ``"rgb"``.
            progress: Called after each tile with how many are done and how many there are.

        Returns:
            Labels of the image's size. All time counts as ``"inference"``.

        Raises:
            ImageError: The image cannot be read, or has an unusable shape or type.
            ModelError: The model fails on a tile.
            UsageError: The model gives labels only; tile and overlap make no sense or take too
                much memory; or the segmenter was closed.

        Examples:
            >>> segmenter.tiled("street.jpg", tile_hw=(256, 256), overlap=32).labels.shape
            (512, 512)
        """
        # Loaded here: most programs need no tiles.
        from .inference.tiling import segment_tiled

        sessions = self._opened()
        interface = sessions.dynamic.interface
        if interface.output.kind == "labels":
            raise UsageError(_needs_logits("tiles are blended by", self._source))
        picture = Picture.of(image, color, self._max_pixels)
        start = perf_counter()

        def run(tensor: NDArray[Any]) -> NDArray[np.float32]:
            size_hw = interface.input_hw(tensor.shape)
            logits: NDArray[np.float32] = sessions.for_tile(size_hw).run(tensor)[0]
            return logits

        found = segment_tiled(
            picture.image_bgr,
            run,
            self._pipeline.head,
            self._pipeline.preprocess,
            interface.metadata.num_classes,
            interface.enlarging,
            tile_hw=tile_hw,
            overlap=overlap,
            confidence=self._pipeline.confidence,
            progress=progress,
        )
        times_s = 0.0, perf_counter() - start, 0.0
        return self._pipeline.result(picture, (found.labels, found.confidence), times_s)

    def close(self) -> None:
        """Free the model, and its memory as soon as the calls in progress are done.

        Later calls raise `UsageError`. Closing twice does nothing. An ``InferenceSession`` that
        was handed in stays open.

        Examples:
            >>> with OrtSegmenter("end2end.onnx") as segmenter:
            ...     labels = segmenter("street.jpg").labels
        """
        if self._sibling is not None:
            self._sibling.close()
        self._sessions = self._sibling = None

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        closed = ", closed" if self._sessions is None else ""
        return (
            f"OrtSegmenter({self._source}, {self.metadata.variant}, {len(self.names)} classes, "
            f"{self._output}, device={self._device!r}{closed})"
        )

    def _segment(
        self, picture: Picture, sessions: SessionPool | None = None
    ) -> SegmentationResult:
        sessions = sessions or self._opened()
        prepared = self._pipeline.prepare(picture)
        session = sessions.for_size(prepared.network.padded_hw)
        return self._pipeline.segment(session, [prepared])[0]

    def _shared(self, workers: int | None) -> Workers:
        """Share this segmenter's threads out among images."""
        if workers is None and not self._divides_threads():
            workers = 1
        cores = self._threads or usable_cores()
        count = share_cores(None, workers=cores if workers is None else workers).count
        return Workers(count, max(1, cores // count) if count > 1 else None)

    def _divides_threads(self) -> bool:
        """Whether images at a time can have threads of their own: in sessions opened for that."""
        dynamic = self._opened().dynamic
        return dynamic.device == "cpu" and dynamic.reopens

    def _one_of_several(self, shared: Workers) -> "OrtSegmenter":
        """Return a segmenter for images that are segmented while others are."""
        threads = shared.session_threads
        if threads in (None, self._threads) or not self._divides_threads():
            return self
        sibling = self._sibling
        if sibling is None or sibling._threads != threads:
            sibling = self._sibling = self._with_threads(threads)
        return sibling

    def _with_threads(self, threads: int) -> "OrtSegmenter":
        """Return a segmenter that does the same on so many threads."""
        other = copy(self)
        other._threads, other._sibling = threads, None
        other._pipeline = replace(self._pipeline, head=self._pipeline.head.with_threads(threads))
        other._sessions = self._opened().with_threads(threads)
        return other

    def _opened(self) -> SessionPool:
        sessions = self._sessions
        if sessions is None:
            raise UsageError("expected an open segmenter, found one that was closed")
        return sessions


def _file_of_official(model: Model) -> Model:
    if isinstance(model, str) and model in OFFICIAL_MODELS and kind_of(Path(model)) != "file":
        from .inference.find_model import find_model

        return find_model(model)
    return model


def _needs_logits(what: str, source: str) -> str:
    return (
        f"expected a model that gives logits, which {what}, found one that gives labels only "
        f"({source}): export it anew with `ppms-export`, without `--no-logits-output`"
    )
