"""The options of ``ppms export``, in the order in which its help shows them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from .checkpoint_options import NETWORK

HELP: Final = """Export a PP-MobileSeg checkpoint to one ONNX file, validated against PyTorch.

The file runs in ONNX Runtime 1.15 and newer, takes images of any size, and carries its class
names, colours and preprocessing along. Segment images with it by ppms-infer.

`ppms-export graft MODEL.onnx` makes the ONNX file of any other segmentation network give its
labels faster. `ppms inspect FILE` tells what an ONNX file of any origin is.
"""

_WHERE: Final = "Where to"
_FORM: Final = "Form of the file"
_PRECISION: Final = "Precision"
_BESIDE: Final = "Files beside it"
_VALIDATION: Final = "Validation"

Checkpoint = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="A .pth of open-mmlab or another PyTorch framework, a .pdparams of PaddleSeg, a "
        ".safetensors file, or the name of an official model: tiny, base.",
        show_default=False,
    ),
]

Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="The ONNX file to write, or a folder for end2end.onnx.",
        rich_help_panel=_WHERE,
    ),
]
WorkDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder for the file; --output then names no other.",
        rich_help_panel=_WHERE,
    ),
]
Web = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Make a page that segments pictures in the browser, in this folder: HTML, the model "
        "in the form that it needs, and ONNX Runtime, fetched by npm. Any web server shows it; "
        "`ppms web DIR` is one.",
        rich_help_panel=_WHERE,
    ),
]
Triton = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Also put the file into this model repository of Triton Inference Server, with its "
        "config.pbtxt and a file of class names.",
        rich_help_panel=_WHERE,
    ),
]

Names = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Class names: a text file with one a line, JSON ([name, ...], or {name: [r, g, b], "
        "...} with colours), or the word ade20k or cityscapes. Without it: the checkpoint's own "
        "or, where it has none, ADE20K's for 150 classes, background and foreground for a head "
        "of one class, else numbers.",
        rich_help_panel=NETWORK,
    ),
]
Palette = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Colours of the classes: JSON ([[r, g, b], ...] or {name: [r, g, b], ...}), or the "
        "word ade20k or cityscapes. Without it: those of the names' file, or the checkpoint's "
        "own.",
        rich_help_panel=NETWORK,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        help="Of a head of one class: the probability above which a pixel is of it, by default "
        "0.3, as in mmsegmentation.",
        rich_help_panel=NETWORK,
    ),
]

Vim = Annotated[
    str | None,
    typer.Option(
        metavar="cell|image|off",
        help="How labels are upsampled: exactly and fast (cell, the default), the paper's way, "
        "only the classes that are present (image), or all classes (off).",
        rich_help_panel=_FORM,
    ),
]
Logits = Annotated[
    bool,
    typer.Option(
        "--logits",
        help="Give float logits of all classes at the input's size, not labels.",
        rich_help_panel=_FORM,
    ),
]
CoarseLogits = Annotated[
    bool,
    typer.Option(
        "--coarse-logits",
        help="Give only the float logits before upsampling, without what makes labels of them and "
        "what GPUs and NPUs leave to the CPU; --label-head writes that as a file of its own.",
        rich_help_panel=_FORM,
    ),
]
NoLogitsOutput = Annotated[
    bool,
    typer.Option(
        "--no-logits-output",
        help="Give labels only, without the logits that they are made of as a second output. "
        "Photographs are then labelled at the network's size and enlarged, without confidence, "
        "and not in tiles.",
        rich_help_panel=_FORM,
    ),
]
LabelDtype = Annotated[
    str | None,
    typer.Option(
        metavar="int64|int32|uint8",
        help="Integer type of the labels, by default int64.",
        rich_help_panel=_FORM,
    ),
]
EmbedPreprocessing = Annotated[
    str | None,
    typer.Option(
        metavar="rgb|bgr|rgba|bgra",
        help="Take bytes, uint8 (batch, height, width, 3) with the channels in this order, and "
        "normalise them inside: for apps that only scale the image. Of rgba and bgra, as canvases "
        "and phones have them, the fourth byte is not used. ppms-infer takes such files, too.",
        rich_help_panel=_FORM,
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        metavar="HxW",
        help="Fix the input size; the default is any size.",
        rich_help_panel=_FORM,
    ),
]
Opset = Annotated[
    int,
    typer.Option(metavar="N", help="ONNX opset version, 15 to 20.", rich_help_panel=_FORM),
]
NoSimplify = Annotated[
    bool,
    typer.Option("--no-simplify", help="Keep the graph as it was traced.", rich_help_panel=_FORM),
]

Precision = Annotated[
    str,
    typer.Option(
        metavar="fp32|fp16|int8",
        help="fp16 stores the weights in half the bytes and computes in float32; int8 computes "
        "with integers wherever that does no harm, which takes images to find out.",
        rich_help_panel=_PRECISION,
    ),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="int8: images such as the model will see, 2 to 200. Three quarters give the ranges, "
        "the rest judges the result.",
        rich_help_panel=_PRECISION,
    ),
]
CalibrateLabels = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="int8: their true labels, PNG files of class ids; then mIoU is held to as well.",
        rich_help_panel=_PRECISION,
    ),
]
ReduceZeroLabel = Annotated[
    bool,
    typer.Option(
        "--reduce-zero-label",
        help="int8: label 0 means other and does not count; class ids begin at 1.",
        rich_help_panel=_PRECISION,
    ),
]
MinAgreement = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        help="int8: least share of labels that equal the float32 model's, by default 0.99.",
        rich_help_panel=_PRECISION,
    ),
]
MaxMiouLoss = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        help="int8: by how much mIoU may fall, by default 0.01.",
        rich_help_panel=_PRECISION,
    ),
]

Ort = Annotated[
    bool,
    typer.Option(
        "--ort",
        help="Also the file in ORT format, for ONNX Runtime's small builds, and the list of the "
        "operators that such a build needs.",
        rich_help_panel=_BESIDE,
    ),
]
LabelHead = Annotated[
    bool,
    typer.Option(
        "--label-head",
        help="Also NAME.labels.onnx, which labels photographs at their own size from the logits, "
        "for programs in other languages.",
        rich_help_panel=_BESIDE,
    ),
]
Sidecar = Annotated[
    bool,
    typer.Option(
        "--sidecar",
        help="Also NAME.json: input, outputs, resize rule, names and colours of the classes and "
        "SHA-256 of the file, for programs whose runtime shows no metadata.",
        rich_help_panel=_BESIDE,
    ),
]
Golden = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Also a folder with a picture, the tensor that it becomes and what the file answers "
        "to it, by which a program in any language shows that it does the same.",
        rich_help_panel=_BESIDE,
    ),
]
DumpInfo = Annotated[
    bool,
    typer.Option(
        "--dump-info",
        help="Also deploy.json, pipeline.json and detail.json, with which mmdeploy's SDK opens "
        "the folder.",
        rich_help_panel=_BESIDE,
    ),
]

Verify = Annotated[
    str,
    typer.Option(
        metavar="quick|full|off",
        help="Compare with PyTorch on synthetic inputs (quick); also open the finished file, run "
        "pictures through both and, if they differ, name the layer (full); or not at all.",
        rich_help_panel=_VALIDATION,
    ),
]
Image = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Compare on this image, too; may be given several times. Needs --verify full.",
        rich_help_panel=_VALIDATION,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Largest difference of the logits in the quick validation, as a share of the largest "
        "one; by default 1e-4, or more where PyTorch itself rounds by more.",
        rich_help_panel=_VALIDATION,
    ),
]
Atol = Annotated[float | None, typer.Option(metavar="X", hidden=True)]
Show = Annotated[
    bool,
    typer.Option(
        "--show",
        help="Show the labels of PyTorch and of the file in a window.",
        rich_help_panel=_VALIDATION,
    ),
]
