"""From a path or an official name to a checkpoint that fits the network."""

from pathlib import Path
from typing import Final

from ..errors import CheckpointError, PPMobileSegError
from ..quoting import shortened
from .checkpoint import Checkpoint
from .facts import read_facts
from .fitting import fit, network_names
from .formats import FormatError, Source, read_any
from .official import OFFICIAL, download
from .state_dict import find_weights

MAX_BYTES: Final = 1 << 30
"""No file of this network comes near: base with its optimizer state takes 72 MB."""


def load_checkpoint(path_or_name: str | Path, weights: str | None = None) -> Checkpoint:
    """Read a checkpoint of any framework; variant and classes are read off its tensors.

    The format is recognised by the file's content, not by its name. Nothing in the file is
    executed, and a checkpoint that lacks a tensor or has one too many is refused.

    Args:
        path_or_name: A PyTorch file (``.pth``), a PaddleSeg ``.pdparams`` file, a
            ``.safetensors`` file or, if there is no such file, the name of an official checkpoint
            (``"tiny"``, ``"base"``), which is downloaded once and then kept in the cache.
        weights: Which of several sets of weights to take: its name, or a part that no other has,
            such as ``"ema"`` or ``"teacher"``. Without it the averaged one is taken.

    Returns:
        The checkpoint; its weights are float32 whatever the file stores.

    Raises:
        CheckpointError: There is no such file, it is unreadable or unsafe, or does not fit, or
            holds several sets of weights with nothing to choose between them.
        DownloadError: An official checkpoint could not be fetched.
        UsageError: The file holds no weights of that name.

    Examples:
        >>> checkpoint = load_checkpoint("my.pth", weights="ema")  # doctest: +SKIP
        >>> checkpoint.config.name, checkpoint.num_classes  # doctest: +SKIP
        ('tiny', 150)
    """
    path, official_name = Path(path_or_name), None
    if str(path_or_name) in OFFICIAL and not path.is_file():
        official_name = str(path_or_name)
        path = download(OFFICIAL[official_name])
    try:
        if problem := _problem(path):
            raise CheckpointError(f"{problem}, expected a .pth, .pdparams or .safetensors file")
        with Source.open(path) as source:
            return _read(source, official_name, weights)
    except PPMobileSegError:
        raise
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except FormatError as error:
        raise CheckpointError(f"{path.name} {error}") from error
    except Exception as error:
        # Nothing that a stranger can put into a file should come here.
        reason = f"{type(error).__name__}: {shortened(str(error))}"
        raise CheckpointError(f"{path.name} is damaged or no checkpoint ({reason})") from error


def _read(source: Source, official_name: str | None, wanted: str | None) -> Checkpoint:
    name = source.path.name
    loaded = read_any(source)
    found, notes = find_weights(loaded, network_names(), name, wanted)
    config, num_classes, state_dict = fit(found.weights, name)
    facts = read_facts(loaded, found.statistics, num_classes, name)
    checkpoint = Checkpoint(
        config=config,
        num_classes=num_classes,
        state_dict=state_dict,
        file_name=name,
        sha256=source.sha256(),
        official_name=official_name,
        weights_name=found.name,
        class_names=facts.class_names,
        palette_rgb=facts.palette_rgb,
        mean=facts.mean,
        std=facts.std,
        channel_order=facts.channel_order,
        training=facts.training,
        notes=(*notes, *facts.notes),
    )
    # The hash and all that was read belong to one file.
    source.check_unchanged()
    return checkpoint


def _problem(path: Path) -> str | None:
    if path.is_dir():
        return f"{path} is a folder"
    if not path.exists():
        return f"no file {path}, and no official checkpoint of that name ({', '.join(OFFICIAL)})"
    if not path.is_file():
        return f"{path} is a device or pipe"
    size = path.stat().st_size
    if size == 0:
        return f"{path} is empty"
    if size > MAX_BYTES:
        return f"{path} has {size} bytes, PP-MobileSeg at most {MAX_BYTES}"
    return None
