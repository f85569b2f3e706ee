"""The command line: it reads arguments, calls the library and prints; it computes nothing itself.

``--help`` must be quick: modules here import only the standard library, typer and modules as light.
A command uses public names as ``kullback.name``, which imports them at their first use, and imports
all others in the function that uses them.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import Annotated

from kullback.cli.interrupts import quiet_imports

with quiet_imports():
    import typer

    import kullback
    from kullback.cli import compare, describe, entropy, evaluate, fit, predict, tour, train

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},  # of the help texts in a wide terminal
)


def main() -> None:
    """Run the command line; the entry point of ``kullback``."""
    # Imported modules live as long as the process. Excluding them from garbage collection, and at
    # the end all other objects, took a fifth off the time of a small fit as a whole process (1.1 s
    # to 0.9 s).
    gc.freeze()
    # Streams may be closed by the caller, who may use only the file of --save or the exit code.
    # Their numbers are taken first, or a file would get them, and with it what libraries write.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # replaced by an object that is not a text file
            # a terminal without, say, "⁻" shows "?" instead of failing
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with quiet_imports():
            app(prog_name="kullback")
    finally:
        gc.freeze()


def _print_version(requested: bool) -> bool:
    if requested:
        typer.echo(f"kullback {kullback.__version__}")
        raise typer.Exit
    return requested


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Fit probability models by maximum likelihood and decompose their loss.

    Run "kullback COMMAND --help" for the options of a command.

    Exit codes:

    \b
      0    done
      1    not converged: the result is still printed
      2    wrong arguments, files or data
      3    a bug in Kullback: please report the traceback
      130  interrupted
      141  the reader of the output, such as head, has ended
    """  # noqa: D301  # typer keeps the lines of a paragraph that begins with this character


for _command, _summary in (
    (fit.fit, "Fit a distribution to a column of a table."),
    (compare.compare, "Rank distributions by the loss on held-out rows."),
    (fit.families, "List the distributions and their parameters."),
    (describe.describe, "Describe a saved fit, or draw from it."),
    (entropy.entropy, "Estimate entropies and mutual information."),
    (train.train, "Train a neural-network classifier."),
    (predict.predict, "Print the predictions of a saved fit or network."),
    (evaluate.evaluate, "Decompose the loss of a classifier."),
    (tour.tour, "Learn why fits minimise the cross-entropy."),
):
    app.command(short_help=_summary)(_command)
