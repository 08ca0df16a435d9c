"""The command line: `python -m app COMMAND`. Results go to standard output, progress and errors to standard error."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app import commands
from app.config import DEFAULT_HOME, AppConfig, UserError
from app.wording import one_line

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction["_Parser"]

MODES = ("strict", "balanced", "recall")
# tqdm alone turns a speed below one a second round, into seconds for each image
PROGRESS = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 an error that the user can mend, 130 interrupted."""
    os.environ.setdefault("TQDM_BAR_FORMAT", PROGRESS)  # read when a command loads tqdm
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what a terminal cannot show
    try:
        options = _parser().parse_args(arguments)
        _check_output()
        options.run(options, _config(options))
    except UserError as error:
        print(one_line(f"Error: {error}"), file=sys.stderr)
        return 1
    except BrokenPipeError:
        pass  # whoever read our output has had enough
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


def _check_output() -> None:
    """Refuse to work where nothing can be printed, and a file that is opened could be taken for standard output."""
    if sys.stdout is None:
        raise UserError("expected a standard output, but it is closed; send it to a file or to /dev/null")


def _config(options: argparse.Namespace) -> AppConfig:
    """What the environment says, overruled by what the command says."""
    config = AppConfig.from_environment()
    return AppConfig(
        home=options.home or config.home,
        database=options.database or config.database,
        checkpoint=options.checkpoint or config.checkpoint,
    )


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong with the arguments; argparse alone prints its usage and exits with 2."""

    def error(self, message: str) -> NoReturn:
        minus = " (behind --, a text may begin with a minus)" if "ignored explicit argument" in message else ""
        raise UserError(f"{message}; {self.prog} --help tells what it takes{minus}")


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2024-06-30, got {text!r}") from None


def _number(text: str, *, least: int = 1) -> int:
    """A number that a database can hold."""
    is_plain = text.isascii() and text.isdigit() and len(text) < 20
    if not is_plain or not least <= int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"expected a number of {least} or more, got {text!r}")
    return int(text)


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"expected a name, got {text!r}")
    return text.strip()


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''; is the variable that should hold it set?")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m app", description="Find people in photographs by what they wear.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        _add_ingest,
        _add_search,
        _add_alike,
        _add_parse,
        _add_explain,
        _add_store_commands,
        _add_export,
        _add_corrections,
        _add_ui,
    ):
        add(subparsers)
    return parser


def _command(subparsers: "Subparsers", name: str, text: str, run: commands.Command) -> argparse.ArgumentParser:
    """A subcommand with the options that all have."""
    command = subparsers.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    command.set_defaults(run=run)
    command.add_argument("--home", type=_path, metavar="DIR", help=f"records and pictures (default {DEFAULT_HOME})")
    command.add_argument("--database", metavar="URL", help="keep the records elsewhere (SQLAlchemy URL)")
    command.add_argument("--checkpoint", type=_path, metavar="FILE", help="weights of another parser")
    return command


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one document for machines")


def _add_ingest(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "ingest", "find the people in photographs and remember them", commands.ingest)
    command.add_argument("paths", nargs="+", type=_path, metavar="PATH", help="photographs, or folders of them")
    command.add_argument("--gallery", type=_name, metavar="NAME", help="name of the collection (default photographs)")
    command.add_argument("--dry-run", action="store_true", help="only say what would be done")
    command.add_argument("--retry-failed", action="store_true", help="try unreadable files again")
    command.add_argument("--job", type=_number, metavar="ID", help="run a job that the page has queued")
    _add_json(command)


def _add_search(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "search", "find people by a description", commands.search)
    command.add_argument("text", metavar="TEXT", help='such as "red coat"; - reads one text per line')
    command.add_argument(
        "--limit", type=partial(_number, least=0), default=20, metavar="N", help="people to print (default 20)"
    )
    command.add_argument("--mode", choices=MODES, default="balanced", help="how sure to be (default balanced)")
    command.add_argument("--sort", choices=("score", "time"), default="score", help="order (default score)")
    _add_json(command)


def _add_alike(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "alike", "find people who look like one person", commands.alike)
    command.add_argument("person", type=_number, metavar="PERSON", help="id of the person, as searches print it")
    command.add_argument("--by", choices=("appearance", "clothes"), default="appearance", help="default appearance")
    command.add_argument("--limit", type=_number, default=20, metavar="N", help="people to print (default 20)")
    _add_json(command)


def _add_parse(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "parse", "show who is in images and what they wear", commands.parse)
    command.add_argument("images", nargs="+", type=_path, metavar="IMAGE")
    command.add_argument("--overlay", type=_path, metavar="DIR", help="draw what was seen into this folder")
    _add_json(command)


def _add_explain(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "explain", "show how a description is understood", commands.explain)
    command.add_argument("text", metavar="TEXT", help="a description; - reads one text per line")
    _add_json(command)


def _add_store_commands(subparsers: "Subparsers") -> None:
    _add_json(_command(subparsers, "status", "show what the store holds", commands.status))
    command = _command(subparsers, "reindex", "rebuild what is derived from the records", commands.reindex)
    command.add_argument("--parse", action="store_true", help="parse all photographs anew, then search the result")
    _add_json(command)
    command = _command(subparsers, "generations", "show, search or discard generations", commands.generations)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--use", type=_number, metavar="ID", help="check a generation and search it")
    which.add_argument("--rollback", action="store_true", help="search the generation that was searched before")
    which.add_argument("--discard", type=_number, metavar="ID", help="delete a generation that is not searched")
    _add_json(command)
    command = _command(subparsers, "delete", "delete for good: images, people, or a gallery", commands.delete)
    command.add_argument("--image", action="append", type=_path, default=[], metavar="PATH", help="as it was ingested")
    command.add_argument("--person", action="append", type=_number, default=[], metavar="ID")
    command.add_argument("--gallery", metavar="NAME")
    command.add_argument("--before", type=_day, metavar="DATE", help="all captured before a day such as 2024-06-30")
    _add_json(command)


def _add_export(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "export", "write everybody who matches into a file", commands.export)
    command.add_argument("text", metavar="TEXT", help="a description")
    command.add_argument("--output", type=_path, required=True, metavar="FILE", help="ending in .csv, .json or .zip")
    command.add_argument("--mode", choices=MODES, default="balanced")


def _add_corrections(subparsers: "Subparsers") -> None:
    text = "write what was corrected on the search page as a data set to train with"
    command = _command(subparsers, "corrections", text, commands.corrections)
    command.add_argument("--output", type=_path, required=True, metavar="DIR", help="a folder in CCIHP's layout")
    _add_json(command)


def _add_ui(subparsers: "Subparsers") -> None:
    command = _command(subparsers, "ui", "open the search page", commands.ui)
    command.add_argument("--port", type=_number, metavar="N", help="default: the first free one from 8501")
    command.add_argument("--address", default="localhost", metavar="HOST", help="where to listen (default localhost)")
    command.add_argument("--open", action="store_true", help="show the page in this computer's browser")


if __name__ == "__main__":
    sys.exit(main())
