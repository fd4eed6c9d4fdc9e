"""The options of ``ppms-infer``, in the order in which its help shows them."""

from typing import Annotated, Final

import typer

from .command import OTHERS

# A backspace before a paragraph keeps its lines as they are.
HELP: Final = """Segment images and videos with an exported model and write what was found.

\b
SOURCE is any of these, in any number:
  photo.jpg  clip.mp4      an image (its first page), a video (needs PyAV)
  holiday                  a folder: its images and videos
  'trip/**/*.jpg'          a pattern, in quotes
  list.txt                 a text file with one of these a line
  https://host/photo.jpg   the address of an image
  0                        a camera, by its number
  frames/%05d.png          numbered images
  -                        standard input: an image, or a list of files

\b
KINDS of result, for --save:
  overlay  the classes' colours over the image
  color    the colours alone
  labels   a PNG whose pixels are class ids
  indexed  the same, shown in colour by viewers
  json     classes with share and bounding box
  rle      COCO run lengths, for pycocotools
  legend   the overlay with the classes' names beside it
  cutout   the image where --classes are, transparent elsewhere
  polygons, labelme, label-studio, geojson
           outlines of regions, as plain JSON and for programs of these names
Of a video or camera the pictures become a video (with one row or column
more where a side is odd), labels and indexed folders of PNGs, all others
JSON Lines.

The exit code is 0 when everything was done, 1 when something failed (the rest is done all the
same), 2 for wrong use, 130 after Ctrl-C, which finishes the files of a video.
"""

_RESULTS: Final = "Results"
_SOURCES: Final = "Sources"
_MODEL: Final = "Model"
_DRAWING: Final = "Drawing"

Sources = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE", hidden=True),  # described at the top of the help
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Folder for the results, or a file for the only one. Without it: next to each "
        "source.",
        rich_help_panel=_RESULTS,
    ),
]
Save = Annotated[
    str | None,
    typer.Option(
        metavar="KINDS",
        help="What to write, separated by commas, see above; or none. By default overlay, and "
        "nothing with --json-lines or --coco.",
        rich_help_panel=_RESULTS,
    ),
]
Coco = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Also write one COCO file of the whole run, for data sets: all.json.",
        rich_help_panel=_RESULTS,
    ),
]
CocoForm = Annotated[
    str,
    typer.Option(
        metavar="FORM",
        help="Of --coco: rle, the run lengths of each class; polygons, one for each region; or "
        "panoptic, PNGs in the folder all/ beside all.json.",
        rich_help_panel=_RESULTS,
    ),
]
Tolerance = Annotated[
    float,
    typer.Option(
        "--polygon-tolerance",
        metavar="PX",
        help="Of polygons: the farthest that a point left out may lie from the outline; 0 for all "
        "corners.",
        rich_help_panel=_RESULTS,
    ),
]
MinArea = Annotated[
    int,
    typer.Option(
        metavar="PX",
        show_default=False,
        help="Of polygons: leave out regions of fewer pixels.",
        rich_help_panel=_RESULTS,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace results that exist; otherwise they are kept.",
        rich_help_panel=_RESULTS,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an earlier run: do only what is missing.",
        rich_help_panel=_RESULTS,
    ),
]
ShardOf = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do only part I of N, such as 3/64: each source is in one of the N, which follows "
        "from its name. For array jobs.",
        rich_help_panel=_SOURCES,
    ),
]
JsonLines = Annotated[
    bool,
    typer.Option(
        "--json-lines",
        help="Print one JSON object for each image or frame, and nothing else, on standard "
        "output.",
        rich_help_panel=_RESULTS,
    ),
]
Show = Annotated[
    bool,
    typer.Option(
        "--show",
        help="Also show each overlay in a window. Any key goes on, Esc closes it and stops a "
        "camera.",
        rich_help_panel=_RESULTS,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive", "-r", help="Also take the folders below a folder.", rich_help_panel=_SOURCES
    ),
]
VidStride = Annotated[
    int,
    typer.Option(
        metavar="N", help="Of videos and cameras take every Nth frame.", rich_help_panel=_SOURCES
    ),
]
MaxFrames = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Stop each video or camera after N frames.", rich_help_panel=_SOURCES
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Refuse images of more pixels before decoding them.",
        rich_help_panel=_SOURCES,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="FILE",
        help="The ONNX file. Without it: $PPMS_MODEL, then ./end2end.onnx, then the official "
        "model that ppms-export has fetched.",
        rich_help_panel=_MODEL,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        help="Of a head of one class, not in models of labels only: the probability above "
        "which a pixel is of it. Without it: the model's own, or 0.3.",
        rich_help_panel=_MODEL,
    ),
]
Names = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Other class names: a text file with one a line, JSON ([name, ...], or {name: [r, g, "
        "b], ...} with colours), or the word ade20k or cityscapes.",
        rich_help_panel=_MODEL,
    ),
]
Palette = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Other colours: JSON ([[r, g, b], ...] by class id, or {name: [r, g, b], ...} for "
        "some of them), or the word ade20k or cityscapes.",
        rich_help_panel=_MODEL,
    ),
]
Merge = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help='Fewer classes, everywhere: JSON such as {"ground": ["road", "grass"], "rest": "*"}, '
        "where * is all that is named nowhere else.",
        rich_help_panel=_MODEL,
    ),
]
InputSize = Annotated[
    str | None,
    typer.Option(
        metavar="HxW",
        help="Fit images into this size for the network: smaller is faster, larger shows finer "
        "things; from 32x32 on. Without it: the model's own rule.",
        rich_help_panel=_MODEL,
    ),
]
Tile = Annotated[
    str | None,
    typer.Option(
        metavar="HxW",
        help="Segment large images at their own scale, in overlapping tiles of this size. Not "
        "for models that give labels only.",
        rich_help_panel=_MODEL,
    ),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Pixels that neighbouring tiles share, by default 64.",
        rich_help_panel=_MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Where to run: cpu, cuda, coreml, dml or openvino.",
        rich_help_panel=_MODEL,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What --device openvino computes in: fp32; bf16, which is faster and rounds more; "
        "or auto, bf16 where the processor has it. Without it: fp32.",
        rich_help_panel=_MODEL,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Images at a time. Without it: one for each core; one alone where there is one, or a "
        "camera, a window or tiles.",
        rich_help_panel=_MODEL,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="CPU threads for each image. Without it: the cores shared out among --workers. Given "
        "alone, one image at a time.",
        rich_help_panel=_MODEL,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        help="Most seconds that the network may take for an image, or for a tile. Without it: any "
        "number, or 20 where the model has a loop, which need not have an end.",
        rich_help_panel=_MODEL,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Draw and list only these classes, names or ids separated by commas: sky,tree,12. "
        "The others become transparent; labels and indexed stay whole.",
        rich_help_panel=_DRAWING,
    ),
]
Opacity = Annotated[
    float,
    typer.Option(
        metavar="0..1",
        help="Share of the classes' colours in an overlay.",
        rich_help_panel=_DRAWING,
    ),
]
Contours = Annotated[
    bool,
    typer.Option(
        "--contours", help="Draw lines along the borders of the regions.", rich_help_panel=_DRAWING
    ),
]
DrawNames = Annotated[
    bool,
    typer.Option(
        "--draw-names",
        help="Write the classes' names on the largest regions.",
        rich_help_panel=_DRAWING,
    ),
]
Confidence = Annotated[
    float,
    typer.Option(
        metavar="0..1",
        show_default=False,
        help="Leave pixels transparent, and out of records, whose class is less probable "
        "than this; labels and indexed stay whole. Not for models that give labels only.",
        rich_help_panel=_DRAWING,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Also say what each video is, and what of it was honoured: matrix, range, shape of "
        "the pixels, orientation, fields.",
        rich_help_panel=OTHERS,
    ),
]
