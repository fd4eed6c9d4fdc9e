"""What an ONNX file is: what goes in and out, what it is made of, what can run it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final

import onnx
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto

from .accelerators import Placement, placements
from .errors import ModelError
from .files import kind_of
from .metadata import ModelMetadata
from .quoting import brief
from .runtime.inference.onnx_file import check_model_file

_MAX_BYTES: Final = (1 << 31) - 1  # what protobuf can hold
_MAX_RANK: Final = 64
_MAX_NUMBERS: Final = 1 << 63
_DIMS_SHOWN: Final = 8
_PART_DEPTH: Final = 3
_UNPACKING: Final = frozenset({"Cast", "DequantizeLinear"})
_UNPACKING_STEPS: Final = 3
_ORT_MAGIC: Final = b"ORTM"
_STANDARD: Final = "ai.onnx"
_OF_ONNX_RUNTIME: Final = "com.microsoft"


@dataclass(frozen=True)
class Tensor:
    """An input or output of a graph.

    Attributes:
        name: Its name.
        dtype: Type of its elements, such as ``"float32"``.
        shape: Lengths, names of lengths that vary, or ``"?"``; None for a tensor of any rank.
        optional: Whether it has a default and need not be given.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None
    optional: bool = False


@dataclass(frozen=True)
class Inspection:
    """What `inspect` found.

    Attributes:
        path: The file.
        size_bytes: Its size.
        ir_version: Version of the file format.
        opsets: Version of the operators by domain; ``"ai.onnx"`` is the standard one.
        producer: Program that wrote it, perhaps empty.
        metadata: What it says about itself if this package made it, else None.
        properties: Every entry of its metadata.
        inputs: What goes in.
        outputs: What comes out.
        operators: Number of nodes by operator, subgraphs and functions included, the most
            frequent first. Those of other domains than the standard one have theirs in front.
        parameters: Numbers stored in the file, as their shapes tell.
        bytes_by_part: Bytes of stored numbers by the part of the network that uses them first,
            the largest first.
        bytes_by_dtype: The same by type.
        runtimes: What it takes to run it, one sentence each.
        placements: Which nodes accelerators leave to the CPU: of the whole file, then, where it
            has labels and logits, of the network alone.
    """

    path: Path
    size_bytes: int
    ir_version: int
    opsets: Mapping[str, int]
    producer: str
    metadata: ModelMetadata | None
    properties: Mapping[str, str]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: Mapping[str, int]
    parameters: int
    bytes_by_part: Mapping[str, int]
    bytes_by_dtype: Mapping[str, int]
    runtimes: tuple[str, ...]
    placements: tuple[Placement, ...]


def inspect(path: str | Path) -> Inspection:
    """Look into an ONNX file of any origin. Nothing is run, and no other file is opened.

    Args:
        path: The file.

    Raises:
        ModelError: It is missing, larger than 2 GB, no ONNX file, or has a tensor of a shape
            that there cannot be.
    """
    path = Path(path)
    model = _read(path)
    tensors = list(_stored(model))
    opsets = {each.domain or _STANDARD: each.version for each in model.opset_import}
    nodes = list(_nodes(model))
    defined = {(each.domain, each.name) for each in model.functions}
    domains = {
        node.domain or _STANDARD for node in nodes if (node.domain, node.op_type) not in defined
    }
    network = _network_operators(model, path)
    properties = {each.key: each.value for each in model.metadata_props}
    stored = {tensor.name for tensor in model.graph.initializer}
    return Inspection(
        path=path,
        size_bytes=path.stat().st_size,
        ir_version=model.ir_version,
        opsets=opsets,
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        metadata=_metadata(properties),
        properties=properties,
        inputs=tuple(_tensor(each.name, each.type, stored) for each in model.graph.input),
        outputs=tuple(_tensor(each.name, each.type) for each in model.graph.output),
        operators=dict(Counter(map(_operator, nodes)).most_common()),
        parameters=sum(_numbers(tensor) for tensor, _ in tensors),
        bytes_by_part=_sum((part, _bytes(tensor)) for tensor, part in tensors),
        bytes_by_dtype=_sum((_dtype(tensor.data_type), _bytes(tensor)) for tensor, _ in tensors),
        runtimes=_runtimes(model, opsets, domains, (tensor for tensor, _ in tensors)),
        placements=placements(map(_operator, nodes), "file")
        + (placements(network, "network") if network else ()),
    )


def _read(path: Path) -> ModelProto:
    kind = kind_of(path)
    if kind != "file":
        raise ModelError(f"cannot read {path}: " + (f"found a {kind}" if kind else "no such file"))
    if path.stat().st_size > _MAX_BYTES:
        raise ModelError(f"cannot read {path}: expected at most {_MAX_BYTES} bytes")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if content[4:8] == _ORT_MAGIC:
        raise ModelError(
            f"cannot read {path}: expected an ONNX file, found ONNX Runtime's own format: "
            "inspect the file that it was made from"
        )
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's own errors differ between its releases
        raise ModelError(f"cannot read {path}: expected an ONNX file ({error})") from error
    # Any bytes can be a message of which no field is known.
    if not model.graph.node and not model.graph.output:
        raise ModelError(f"cannot read {path}: expected an ONNX file, found one without a graph")
    return model


def _metadata(properties: Mapping[str, str]) -> ModelMetadata | None:
    try:
        return ModelMetadata.from_props(properties)
    except ValueError:  # shown as they are
        return None


def _tensor(name: str, described: TypeProto, optional: Collection[str] = ()) -> Tensor:
    kind = described.WhichOneof("value")
    if kind != "tensor_type":
        return Tensor(name, (kind or "unknown").removesuffix("_type"), None, name in optional)
    tensor = described.tensor_type
    shape = (
        tuple(each.dim_value if each.HasField("dim_value") else each.dim_param or "?"
              for each in tensor.shape.dim)
        if tensor.HasField("shape")
        else None
    )  # fmt: skip
    return Tensor(name, _dtype(tensor.elem_type), shape, name in optional)


def _dtype(elem_type: int) -> str:
    if elem_type == TensorProto.FLOAT:
        return "float32"
    try:
        return str(TensorProto.DataType.Name(elem_type)).lower()
    except ValueError:
        return f"type {elem_type}"


def _bodies(model: ModelProto) -> Iterator[GraphProto | FunctionProto]:
    for body in (model.graph, *model.functions):
        yield from _with_subgraphs(body)


def _with_subgraphs(body: GraphProto | FunctionProto) -> Iterator[GraphProto | FunctionProto]:
    # As deep as the file: protobuf refuses more than 100 messages in each other, 33 graphs.
    yield body
    for node in body.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _with_subgraphs(inner)


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    for each in _bodies(model):
        yield from each.node


def _operator(node: NodeProto) -> str:
    standard = node.domain in ("", _STANDARD)
    return node.op_type if standard else f"{node.domain}.{node.op_type}"


def _network_operators(model: ModelProto, path: Path) -> list[str]:
    """Operators of what the runtime would run of a file of labels and logits, else none."""
    try:
        graph = check_model_file(str(path))
    except ModelError:  # the runtime would refuse it, which does not keep anybody from looking
        return []
    numbers = sorted(graph.network) if graph is not None else []
    return [_operator(model.graph.node[number]) for number in numbers]


def _stored(model: ModelProto) -> Iterator[tuple[TensorProto, str]]:
    """Every stored tensor, with the part of the network that uses it."""
    for each in _bodies(model):
        user: dict[str, NodeProto] = {}
        for node in each.node:
            for name in node.input:
                user.setdefault(name, node)
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t, _part(node)
        for tensor in each.initializer if isinstance(each, GraphProto) else ():
            yield tensor, _part_using(tensor.name, user)


def _part_using(name: str, user: dict[str, NodeProto]) -> str:
    node = user.get(name)
    # Weights in fewer bits pass through operators that belong nowhere.
    for _ in range(_UNPACKING_STEPS):
        if node is None or node.op_type not in _UNPACKING:
            break
        node = user.get(node.output[0], node) if node.output else node
    return "unused" if node is None else _part(node)


def _part(node: NodeProto) -> str:
    """Where a node belongs, from the names of modules that exporters give it."""
    modules = [piece for piece in node.name.split("/") if piece][:-1]
    return "/".join(modules[:_PART_DEPTH]) or _operator(node)


def _sum(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for name, size in sizes:
        total[name] += size
    return dict(total.most_common())


def _bytes(tensor: TensorProto) -> int:
    try:
        width = int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError:
        return 0
    return _numbers(tensor) * width


def _numbers(tensor: TensorProto) -> int:
    dims = tensor.dims
    # The rank comes first: a product of many large numbers takes minutes.
    possible = len(dims) <= _MAX_RANK and min(dims, default=0) >= 0
    numbers = int(prod(dims)) if possible else _MAX_NUMBERS
    if numbers >= _MAX_NUMBERS:
        shown = " x ".join(map(str, dims[:_DIMS_SHOWN])) + (" x ..." * (len(dims) > _DIMS_SHOWN))
        raise ModelError(
            f"expected tensors of at most {_MAX_RANK} dimensions and below 2^63 numbers, found "
            f"{brief(tensor.name)} of {len(dims)}: {shown}"
        )
    return numbers


def _runtimes(
    model: ModelProto,
    opsets: Mapping[str, int],
    domains: set[str],
    tensors: Iterable[TensorProto],
) -> tuple[str, ...]:
    found = []
    if domains <= {_STANDARD}:
        found.append("standard operators only: any ONNX runtime of this opset")
    if _OF_ONNX_RUNTIME in domains:
        found.append(f"ONNX Runtime only: it has operators of {_OF_ONNX_RUNTIME}")
    others = sorted(domains - {_STANDARD, _OF_ONNX_RUNTIME})
    found += [f"a runtime with the operators of {domain}" for domain in others]
    opset = opsets.get(_STANDARD, 0)
    needed = _onnx_release(opset, model.ir_version)
    found.append(f"{needed} (opset {opset}, IR version {model.ir_version})")
    if any(tensor.external_data for tensor in tensors):
        found.append("further files beside it, which hold some of its numbers")
    return tuple(found)


def _onnx_release(opset: int, ir_version: int) -> str:
    """Name the first release of ONNX with an opset and an IR version, as far as known here."""
    for release, known_ir_version, known_opset, *_ in onnx.helper.VERSION_TABLE:
        if known_opset >= opset and known_ir_version >= ir_version:
            return f"ONNX {release.removesuffix('.0')} or newer"
    return f"newer than ONNX {onnx.__version__}"
