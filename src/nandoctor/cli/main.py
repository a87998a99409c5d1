"""The command line. One `try` turns every error of ours into one line and its exit code."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nandoctor import __version__
from nandoctor.errors import NandoctorError


class OnFault(enum.Enum):
    """What `--on-fault` takes."""

    stop = "stop"
    skip = "skip"
    rollback = "rollback"
    treat = "treat"


app = typer.Typer(
    name="nandoctor",
    help="Your loss is NaN. nandoctor says which line made it, from which sample, and why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# What several commands take.
Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for the script.", show_default=False)]
Module = Annotated[bool, typer.Option("-m", help="SCRIPT is the name of a module.")]
CapsuleFolder = Annotated[str, typer.Argument(help="The folder of a capsule.", show_default=False)]
ScriptPath = Annotated[
    str | None, typer.Option("--script", metavar="PATH", help="The script, if it is not where it was.")
]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON; - for standard output.")
]
Fix = Annotated[bool, typer.Option("--fix", help="Write the proven change to your file; asks first.")]
Yes = Annotated[bool, typer.Option("--yes", help="With --fix: do not ask.")]
StyleName = Annotated[
    str, typer.Option("--style", metavar="STYLE", help="plain: your framework's calls; nandoctor: nandoctor.ops.")
]

_RUN_HELP = """Run a training script, unedited, and name the cause if its loss becomes NaN.

Every Keras `fit` and `evaluate` in the script is watched. A step of `fit` that breaks is not applied; it is replayed
operation by operation, and the line, the rows and the cause are printed to standard error. Loops of your own with
tf.GradientTape are watched too: where one breaks, the script is run a second time, silently, up to that step.

Then remedies are tried: changes of your source, each in a fresh process that runs a patched copy of the script,
silently, past that step; your files stay as they are. What the script itself writes it writes again; --no-treat leaves
this out. --fix writes the change that is proven, after asking.

With --on-fault the training of a `fit` goes on: "skip" leaves out the step that broke, "rollback" goes back to the
last healthy state and lowers the learning rate, "treat" goes back and applies a setting that short replays have shown
to hold. Each is done a limited number of times; the faults are reported, and the exit code is 3 all the same.

\b
Examples:
  nandoctor run train.py
  nandoctor run train.py --epochs 3    (arguments of the script)
  nandoctor run --json fault.json train.py
  nandoctor run --fix train.py         (asks, and writes the proven change)
  nandoctor run --on-fault skip train.py
  nandoctor run --open train.py        (shows the report in the browser)
  nandoctor run -m mypackage.train

\b
Exit code: 0 healthy, 3 fault diagnosed, 2 wrong command line,
otherwise the script's own.
"""


@app.command(
    "run",
    help=_RUN_HELP,
    short_help="Run a training script, and name the cause if it goes NaN.",
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False},
)
def run_command(
    script: Annotated[str, typer.Argument(help="The script (with -m: the module).", show_default=False)],
    arguments: Arguments = None,
    module: Module = False,
    json: Json = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="At a fault, show the page in the browser.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for capsules, made at a fault.")] = Path(
        ".nandoctor"
    ),
    no_batch: Annotated[bool, typer.Option("--no-batch", help="Leave the batch's data out of the capsule.")] = False,
    no_capsule: Annotated[bool, typer.Option("--no-capsule", help="Write no capsule.")] = False,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, metavar="N", help="End the script after N healthy steps.")
    ] = None,
    fix: Fix = False,
    yes: Yes = False,
    style: StyleName = "plain",
    no_treat: Annotated[
        bool, typer.Option("--no-treat", help="Do not try remedies: the script is run once, no more.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing if the run is healthy.")] = False,
    on_fault: Annotated[
        OnFault, typer.Option("--on-fault", help="What becomes of a fit whose step breaks.", show_default=True)
    ] = OnFault.stop,
    spike: Annotated[
        float | None,
        typer.Option(
            "--spike",
            min=1.0,
            metavar="K",
            help="Treat a step as a fault whose loss or gradient norm is K robust deviations above the last 100 steps.",
        ),
    ] = None,
) -> None:
    """See `_RUN_HELP`."""
    from nandoctor.cli.run import Options, run

    options = Options(
        json=json,
        html=html,
        open=open_,
        out=None if no_capsule else out,
        keep_batch=not no_batch,
        max_steps=max_steps,
        quiet=quiet,
        wishes=None if no_treat else _wishes(style, fix=fix, yes=yes),
        on_fault=on_fault.value,
        spike=spike,
    )
    code, _ = run(script, arguments or [], options, module=module)
    raise typer.Exit(code)


@app.command("replay", short_help="Make the step of a capsule again, and diagnose it.")
def replay_command(
    capsule: CapsuleFolder,
    json: Json = None,
    script: ScriptPath = None,
    try_: Annotated[
        str | None,
        typer.Option("--try", metavar="REMEDY", help="Try one remedy: its name, or a changed copy of the script."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress, and no report of a finite step.")] = False,
) -> None:
    """Make the step of a capsule again in a fresh process, and diagnose it.

    The script that made the capsule is started again (it is named first) and runs up to its first training step, or to
    its validation. There the state and the batch of the capsule are put in, the one step is replayed, and the script
    ends. No training is repeated. For a loop of your own the script runs from its start up to that step, silently, and
    what it writes it writes again. Edit the script and replay again to see whether a change cures the step.

    \b
    Examples:
      nandoctor replay .nandoctor/20261122T163358-step24
      nandoctor replay --script ~/work/train.py capsule-from-the-cluster
      nandoctor replay --json fault.json .nandoctor/20261122T163358-step24
      nandoctor replay --try floor-inside-root .nandoctor/20261122T163358-step24
      nandoctor replay --try my_train.py .nandoctor/20261122T163358-step24

    \b
    Exit code: 3 the step is not finite (or raises again),
    0 it is finite (not reproduced), 2 the capsule or the script
    cannot be used, 130 interrupted.
    """
    if try_ is not None:
        from nandoctor.cli.treat import TreatOptions, try_one

        code, _ = try_one(capsule, try_, TreatOptions(json=json, script=script))
        raise typer.Exit(code)
    from nandoctor.cli.replay import ReplayOptions, replay_capsule

    code, _ = replay_capsule(capsule, ReplayOptions(json=json, script=script, quiet=quiet))
    raise typer.Exit(code)


@app.command("treat", short_help="Try the remedies of a capsule's fault, and apply the one that is proven.")
def treat_command(
    capsule: CapsuleFolder,
    fix: Fix = False,
    yes: Yes = False,
    style: StyleName = "plain",
    every: Annotated[bool, typer.Option("--all", help="Try all remedies, also once one is proven.")] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, metavar="S", help="Begin no further trial after so long.")
    ] = 300.0,
    json: Json = None,
    script: ScriptPath = None,
) -> None:
    """Try the remedies of a capsule's fault, best first, and say which are proven.

    Each remedy is a change of your source. It is tried in a fresh process on a patched copy, your files stay as they
    are: the step that broke is replayed with it, then the script is run from its start, past that step. What the
    script itself writes (other than by Keras) it writes again.

    \b
    Examples:
      nandoctor treat .nandoctor/20261122T163358-step24
      nandoctor treat --fix .nandoctor/20261122T163358-step24
      nandoctor treat --all --style nandoctor .nandoctor/20261122T163358-step24

    \b
    Exit code: 0 a remedy is proven, 3 none is,
    2 the capsule or the script cannot be used, 130 interrupted.
    """
    from nandoctor.cli.treat import TreatOptions, treat_capsule

    wishes = _wishes(style, fix=fix, yes=yes, proven=0 if every else 1, seconds=seconds)
    code, _ = treat_capsule(capsule, TreatOptions(json=json, script=script, wishes=wishes))
    raise typer.Exit(code)


_TRIAL_HELP = """Find the learning rate, optimizer and clip that train: short trainings from a healthy state.

The script runs up to the first steps of its first Keras `fit`. From the state that this began from, some 20 settings
are tried on its first batches, in the same process, by successive halving: each is given a few steps, and the better
half goes on twice as long. Then the script ends; its own training does not go on, and what Keras saves goes over
nothing. Of a capsule, the trials begin from the oldest state before the growth, on its batches.

\b
Examples:
  nandoctor trial train.py
  nandoctor trial train.py --epochs 3          (arguments of the script)
  nandoctor trial --fit 2 train.py             (the script's second fit)
  nandoctor trial --optimizer adam --optimizer lion --rate 1e-3 --rate 1e-4 train.py
  nandoctor trial --html trial.html train.py
  nandoctor trial .nandoctor/20261122T163358-step24

\b
Exit code: 0 some setting learns, 3 none does, 2 there is nothing to
try or it cannot be used, 130 interrupted.
"""


@app.command(
    "trial",
    help=_TRIAL_HELP,
    short_help="Find the learning rate, optimizer and clip that train.",
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False},
)
def trial_command(
    target: Annotated[
        str,
        typer.Argument(metavar="SCRIPT|CAPSULE", help="The script (with -m: the module), or the folder of a capsule."),
    ],
    arguments: Arguments = None,
    module: Module = False,
    fit: Annotated[
        int | None, typer.Option("--fit", min=1, metavar="N", help="The script's N-th `fit`; else the first.")
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option("--optimizer", metavar="NAME", help="Try this one; own: the script's. Again: more."),
    ] = None,
    rate: Annotated[
        list[float] | None, typer.Option("--rate", metavar="RATE", help="Try this learning rate. Again: more.")
    ] = None,
    clip: Annotated[
        list[str] | None, typer.Option("--clip", metavar="NORM", help="Try this global_clipnorm, or none. Again: more.")
    ] = None,
    settings: Annotated[int, typer.Option("--settings", min=1, metavar="N", help="Try at most N settings.")] = 20,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=2, metavar="N", help="Steps of the longest training; else 16 to 64, by their speed."
        ),
    ] = None,
    json: Json = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write the result as one HTML page, with charts.")
    ] = None,
    script: Annotated[
        str | None,
        typer.Option("--script", metavar="PATH", help="Of a capsule: the script, if it is not where it was."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress.")] = False,
) -> None:
    """See `_TRIAL_HELP`."""
    from nandoctor.cli.trial import TrialOptions, try_capsule, try_script, wishes_of

    wishes = wishes_of(optimizer or [], rate or [], clip or [], settings, steps)
    options = TrialOptions(wishes=wishes, fit=fit, script=script, json=json, html=html, quiet=quiet)
    if not module and Path(target).is_dir():
        if arguments or fit is not None:
            raise NandoctorError(
                f"{target} is a capsule, which knows its script's arguments and `fit`: leave them out."
            )
        code, _ = try_capsule(target, options)
    else:
        if script is not None:
            raise NandoctorError("--script is for a capsule; here the script is named already.")
        code, _ = try_script(target, arguments or [], options, module=module)
    raise typer.Exit(code)


def _wishes(style: str, *, fix: bool, yes: bool, proven: int = 1, seconds: float = 120.0) -> Any:
    """What the options about remedies come to.

    Raises:
        NandoctorError: the style is not known.
    """
    from nandoctor.treat.wishes import Limits, Wishes

    if style not in ("plain", "nandoctor"):
        raise NandoctorError(f"--style {style} is not known: plain or nandoctor.")
    return Wishes(style=style, limits=Limits(proven=proven, seconds=seconds), fix=fix, yes=yes)  # type: ignore[arg-type]


_AUDIT_HELP = """Look at data once, and say what in them will make a training break.

DATA is a .npy or .npz file, HDF5, Parquet, CSV, Arrow, TFRecord, a folder of images by class, a folder of images beside
a folder of masks (--labels), or MODULE:FUNCTION that returns a data set; globs and addresses (s3://...) work, too.

\b
Examples:
  nandoctor audit train.npz
  nandoctor audit --labels price houses.parquet
  nandoctor audit --loss poisson --labels visits visits.csv
  nandoctor audit --labels data/masks --ignore-class 255 --classes 21 data/images
  nandoctor audit --loss TripletSemiHardLoss --batch-size 32 characters/
  nandoctor audit input_pipeline:train_dataset

--fix OUT writes what is left without the rows that a finding would leave out, by OUT's ending: .npy the numbers of the
rows to keep, .npz a copy of arrays, .parquet or .csv a copy of such files, .txt a list of files. Your data stay as they
are.

\b
Exit code: 0 nothing found, 1 findings, 2 the data cannot be opened,
130 interrupted: what was read until then is reported.
"""


@app.command("audit", help=_AUDIT_HELP, short_help="Look at data: what in them will make a training break?")
def audit_command(
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="Files of one kind, a folder, glob, address, MODULE:FUNCTION."),
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", metavar="NAME|PATH", help="The component or column of the targets; the masks' folder."
        ),
    ] = None,
    loss: Annotated[str | None, typer.Option("--loss", metavar="NAME", help="A Keras or nandoctor loss.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="FILE|MODULE:NAME", help="A saved Keras model, or where one is made."),
    ] = None,
    validation: Annotated[
        str | None, typer.Option("--validation", metavar="DATA", help="The validation data, of the same kind.")
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", min=1, metavar="N", help="How many classes.")] = None,
    ignore_class: Annotated[
        int | None, typer.Option("--ignore-class", metavar="ID", help="The label that counts for nothing.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, metavar="N", help="Rows of a batch.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="RATE", help="Judge the scale of the data by it.")
    ] = None,
    replicas: Annotated[int, typer.Option("--replicas", min=1, metavar="N", help="Devices that share a batch.")] = 1,
    drop_remainder: Annotated[
        bool, typer.Option("--drop-remainder", help="A last batch with fewer rows is left out.")
    ] = False,
    in_order: Annotated[bool, typer.Option("--in-order", help="Batches are the rows in order, not shuffled.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Threads; else one for each core.")
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", metavar="NAME", help="Who reads: threads of this machine, or a ray cluster.")
    ] = "threads",
    save_profile: Annotated[
        str | None, typer.Option("--save-profile", metavar="FILE", help="Write what the data are like, as JSON.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="FILE", help="Say what has changed since --save-profile.")
    ] = None,
    json: Json = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write the result as one HTML page, with charts.")
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option("--rows", metavar="FILE", help="Write all rows of all findings, as CSV; .jsonl: as JSON lines."),
    ] = None,
    fix: Annotated[
        str | None, typer.Option("--fix", metavar="OUT", help="Write what is left without the rows to leave out.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress.")] = False,
) -> None:
    """See `_AUDIT_HELP`."""
    from nandoctor.audit.auditing import wishes_of
    from nandoctor.audit.readers.table import Request
    from nandoctor.cli.audit import AuditOptions, audit_data

    wishes = wishes_of(
        loss=loss,
        model=model,
        classes=classes,
        ignore_class=ignore_class,
        batch_size=batch_size,
        learning_rate=learning_rate,
        replicas=replicas,
        drop_remainder=drop_remainder,
        shuffled=not in_order,
    )
    options = AuditOptions(
        validation=validation,
        against=against,
        save_profile=save_profile,
        workers=workers,
        engine=engine,
        json=json,
        html=html,
        rows=rows,
        fix=fix,
        quiet=quiet,
    )
    raise typer.Exit(audit_data(Request(data if len(data) > 1 else data[0], labels, ignore_class), wishes, options))


@app.command("explain", short_help="Explain a cause, or list all causes.")
def explain_command(
    cause: Annotated[
        str | None, typer.Argument(help="A cause's id or code, such as log-of-zero or ND201.", show_default=False)
    ] = None,
) -> None:
    """Explain a cause: what happens, why it makes NaN, how it looks, what to do. Without one, list them all.

    \b
    Examples:
      nandoctor explain
      nandoctor explain log-of-zero
      nandoctor explain ND301
    """
    from nandoctor.cli.explain import explain

    explain(cause)


@app.command("demo", short_help="Diagnose a small training with a known fault.")
def demo_command(
    case: Annotated[str | None, typer.Argument(help="The case to show.", show_default=False)] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the cases.")] = False,
) -> None:
    """Run a small training with a known fault, on embedded data, and diagnose it.

    \b
    Examples:
      nandoctor demo
      nandoctor demo --list
      nandoctor demo siamese-identical-pair
    """
    from nandoctor.cli.demo import demo

    raise typer.Exit(demo(case, only_list=list_))


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nandoctor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        app(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except NandoctorError as error:
        print(f"nandoctor: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def entry() -> None:
    """The console script."""
    sys.exit(main())
