"""The command line: read the data, then load the framework, then train."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nandoctor.clinic.data.masks import read_folder
from nandoctor.clinic.data.scenes import draw_scenes
from nandoctor.clinic.data.segmentation import Segmentation
from nandoctor.clinic.programs import UsageError, check_cured, exit_code, leave, named, write_json

if TYPE_CHECKING:
    from nandoctor.clinic.deeplab.training import Result

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class _Usual:
    """Sizes that train in minutes on two cores."""

    width: int
    output_stride: int
    rates: tuple[int, int, int]
    epochs: int


_SCENES = _Usual(width=16, output_stride=8, rates=(1, 2, 3), epochs=20)
_FOLDER = _Usual(width=32, output_stride=16, rates=(6, 12, 18), epochs=30)
_FAULT_EPOCHS = 4
_FEW_CLASSES = 64
"""An id of void above this does not follow the last class; 255 is the usual one."""


@app.command()
def deeplab(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="images/ and labels/, or train/ and val/ with both. Without it: drawn scenes."
        ),
    ] = None,
    ignore: Annotated[int, typer.Option(metavar="ID", help="The id of void in the masks of --data.")] = 11,
    classes: Annotated[
        int | None, typer.Option(min=2, metavar="N", help="Classes in --data. [default: the ids below --ignore]")
    ] = None,
    size: Annotated[int, typer.Option(min=16, help="Height and width of the drawn scenes, in pixels.")] = 64,
    crop: Annotated[
        int | None,
        typer.Option(min=16, metavar="PIXELS", help="Height and width of the random views, drawn from --data."),
    ] = None,
    augment: Annotated[bool, typer.Option(help="Scale, mirror and crop at random.")] = True,
    depth: Annotated[int, typer.Option(help="Of the ResNet: 18, 34, 50 or 101.")] = 18,
    width: Annotated[
        int | None,
        typer.Option(min=1, help="Channels of its first stage. [default: 16; with --data 32; published: 64]"),
    ] = None,
    output_stride: Annotated[
        int | None, typer.Option(help="16 or 8. [default: 8; with --data 16]", show_default=False)
    ] = None,
    rates: Annotated[
        tuple[int, int, int] | None,
        typer.Option(
            min=1,
            metavar="A B C",
            help="Of the pyramid, at stride 16. [default: 1 2 3; with --data 6 12 18, as published]",
        ),
    ] = None,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9, help="Before the logits.")] = 0.0,
    loss: Annotated[
        str, typer.Option(help="segmentation (ours), standard (Keras's), focal, dice or tversky.")
    ] = "segmentation",
    precision: Annotated[str, typer.Option(help="float32, mixed_float16 or mixed_bfloat16.")] = "float32",
    batch: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = 8,
    epochs: Annotated[int | None, typer.Option(min=1, help="[default: 20; with --data 30]", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each epoch. [default: all images once]")] = None,
    rate: Annotated[float, typer.Option(help="Learning rate at the start; it falls to 0.")] = 0.05,
    decay: Annotated[float, typer.Option(help="Weight decay.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Of the scenes, the weights, the order and the views.")] = 0,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Train with this fault.")] = None,
    cured: Annotated[bool, typer.Option("--cured", help="With --fault: the same circumstances, and the cure.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Train DeepLabv3 on drawn scenes or on your own images, and measure its mean intersection over union.

    \b
    Examples:
      python -m nandoctor.clinic.deeplab
      python -m nandoctor.clinic.deeplab --data camvid --epochs 30 --seed 0
      python -m nandoctor.clinic.deeplab --data voc --classes 21 --ignore 255 --crop 256
      python -m nandoctor.clinic.deeplab --list
      nandoctor run -m nandoctor.clinic.deeplab --fault zero-variance-image
      python -m nandoctor.clinic.deeplab --fault zero-variance-image --cured

    \b
    Exit code: 0 all losses are finite, 1 one is not, 2 the data or
    an option cannot be used.
    """
    if list_:
        _list_faults()
        return
    check_cured(fault, cured=cured)
    _check_crop(data=data, crop=crop, augment=augment)
    given = _read(data, ignore, classes, crop, size, seed)
    usual = _SCENES if data is None else _FOLDER
    chosen = {
        "depth": depth,
        "width": width or usual.width,
        "output_stride": output_stride or usual.output_stride,
        "rates": rates or usual.rates,
        "dropout": dropout,
        "batch": batch,
        "epochs": epochs or (_FAULT_EPOCHS if fault else usual.epochs),
        "steps": steps,
        "rate": rate,
        "decay": decay,
        "crop": _view(given, crop) if augment else None,
        "precision": precision,
        "seed": seed,
    }
    result = _trained(given, loss, chosen, fault, cured=cured, quiet=quiet)
    _finish(result, given, json, quiet=quiet)


def _list_faults() -> None:
    from nandoctor.clinic.deeplab.faults import FAULTS

    for fault in FAULTS.values():
        print(f"{fault.name:<22} {', '.join(fault.claims):<8} {fault.title}")
    print("\n--fault NAME trains with one; --fault NAME --cured with its cure.")


def _check_crop(*, data: Path | None, crop: int | None, augment: bool) -> None:
    if crop is not None and not augment:
        raise UsageError(
            "--crop is the size of the random views, which --no-augment switches off; leave one of them out"
        )
    if crop is not None and data is None:
        raise UsageError("--crop is for --data; the drawn scenes have the size that --size gives them")


def _read(data: Path | None, ignore: int, classes: int | None, crop: int | None, size: int, seed: int) -> Segmentation:
    if data is None:
        return draw_scenes(size=size, seed=seed)
    if classes is None and ignore > _FEW_CLASSES:
        raise UsageError(f"with --ignore {ignore} the number of classes cannot be told from it: give --classes N")
    return read_folder(data, void=ignore, classes=classes, one_size=crop is None, seed=seed)


def _view(given: Segmentation, crop: int | None) -> tuple[int, int]:
    height, width = given.train.images[0].shape[:2]
    return (crop, crop) if crop else (height, width)


def _trained(
    given: Segmentation, loss: str, chosen: dict[str, Any], fault: str | None, *, cured: bool, quiet: bool
) -> Result:
    """Only here a framework is loaded: data that cannot be used is refused before."""
    from nandoctor.clinic.deeplab.faults import FAULTS
    from nandoctor.clinic.deeplab.losses import LOSSES
    from nandoctor.clinic.deeplab.recipe import Recipe
    from nandoctor.clinic.deeplab.training import train

    recipe = Recipe(**chosen, loss=named(LOSSES, loss, "--loss"))
    if fault is not None:
        recipe = named(FAULTS, fault, "--fault").applied(recipe, cured=cured)
    return train(recipe, given, say=(lambda _: None) if quiet else _say)


def _say(text: str) -> None:
    print(text, flush=True)


def _finish(result: Result, given: Segmentation, json: Path | None, *, quiet: bool) -> None:
    if json is not None:
        write_json(json, {**asdict(result), "finite": result.finite})
    if not quiet:
        for name, share in result.iou.items():
            print(f"  {name:<12} IoU {share:.3f}")
        print(f"mean IoU {result.mean_iou:.4f} on {len(given.valid)} images never trained on; {result.seconds} s")
    if not result.finite:
        print("a loss is not finite; `nandoctor run -m nandoctor.clinic.deeplab ...` says why", file=sys.stderr)
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return exit_code(app, "nandoctor.clinic.deeplab", arguments)


def entry() -> None:
    """End the process with the exit code."""
    leave(main())
