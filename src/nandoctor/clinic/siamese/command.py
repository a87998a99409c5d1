"""The command line: data first, then the framework, then the training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nandoctor.clinic.data.classes import read_classes
from nandoctor.clinic.data.digits import read_digits
from nandoctor.clinic.data.draws import Draw, check_draw
from nandoctor.clinic.data.errors import DataError
from nandoctor.clinic.data.splits import Split, split_by_class
from nandoctor.clinic.siamese.options import LOSSES, PRECISIONS, OptionError, Options

USAGE = 2
NOT_FINITE = 1
_DIGITS_SIZE = 16

_HELP = """Train a Siamese ResNet with a triplet loss, and measure it on characters that it never saw.

\b
Examples:
  python -m nandoctor.clinic.siamese                      (digits, about a minute)
  python -m nandoctor.clinic.siamese --data images_background_small1.zip --epochs 10
  python -m nandoctor.clinic.siamese --list               (the faults)
  nandoctor run -m nandoctor.clinic.siamese --fault identical-pair
  python -m nandoctor.clinic.siamese --fault identical-pair --cured

\b
Exit code: 0 every loss was finite, 1 one was not, 2 wrong options or data.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def entry() -> None:
    """Run the command line. Wrong data and wrong options are one line on standard error and exit code 2."""
    try:
        app(prog_name="python -m nandoctor.clinic.siamese")
    except (DataError, OptionError) as error:
        print(f"siamese: {error}", file=sys.stderr)
        raise SystemExit(USAGE) from None


@app.command(help=_HELP)
def siamese(
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Folder or zip archive, one folder for each class; else digits.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=8, max=512, help="Pixels of a side, to resize images to.")] = None,
    depth: Annotated[int, typer.Option(help="Of the ResNet: 18, 34, 50 or 101.")] = 18,
    width: Annotated[int, typer.Option(min=1, help="Channels of its first stage; 64 as published.")] = 16,
    backbone: Annotated[str, typer.Option(help="resnet, or for instance keras.applications.ResNet50.")] = "resnet",
    embedding: Annotated[int, typer.Option(min=2, help="Length of the embedding.")] = 64,
    loss: Annotated[str | None, typer.Option(help=", ".join(LOSSES) + ".", show_default="semi-hard")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs.")] = 10,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Batches of an epoch.", show_default="what the images give")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Classes in a batch (P).")] = 8,
    images: Annotated[int, typer.Option("--images-per-class", min=2, help="Images of each (K).")] = 4,
    rate: Annotated[float | None, typer.Option(min=0.0, help="Learning rate.", show_default="0.001")] = None,
    precision: Annotated[str, typer.Option(help=", ".join(PRECISIONS) + ".")] = "float32",
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the batches, the weights, the measure.")] = 0,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Train with this fault (see --list).")] = None,
    cured: Annotated[bool, typer.Option("--cured", help="The circumstances of the fault without its mistake.")] = False,
    spread: Annotated[bool, typer.Option("--spread", help="Print how distances spread with the batch size.")] = False,
    show: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JSON.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the results alone.")] = False,
) -> None:
    """See `_HELP`."""
    options = Options(
        loss=loss,
        fault=fault,
        cured=cured,
        draw=Draw(classes, images),
        rate=rate,
        precision=precision,
        depth=depth,
        width=width,
        backbone=backbone,
        embedding=embedding,
        epochs=epochs,
        steps=steps,
        seed=seed,
        verbose=0 if quiet else 2,
    )
    if show:
        from nandoctor.clinic.siamese.faults import table

        print(table())
        return
    options.check()
    split = _split(data, size, options)
    from nandoctor.clinic.siamese import program  # loads the framework, for which wrong data does not wait

    if spread:
        print(program.spread(split, options))
        return
    results = program.run(split, options)
    print("\n".join(results.lines()))
    if json is not None:
        results.write(json)
    if not results.finite:
        raise typer.Exit(NOT_FINITE)


def _split(data: Path | None, size: int | None, options: Options) -> Split:
    images = read_digits(size or _DIGITS_SIZE) if data is None else read_classes(data, size)
    smallest = min(images.pixels.shape[1:3])
    if options.needs_pixels > smallest:
        raise OptionError(
            f"{options.backbone} needs images of at least 32 pixels, and these have {smallest}: --size 32"
        )
    check_draw(images, options.draw)
    return split_by_class(images, options.seed)
