"""The manual page: it is well-formed mdoc, and it documents everything that a user can name."""

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import manual
import pytest

from bwgraph.cli import arguments, resources
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.output.document import document
from bwgraph.output.prometheus import FleetCollector
from bwgraph.recording.format import FIELDS
from bwgraph.screen.keymap import BINDINGS
from bwgraph.store import schema

PAGE = resources.text("man")
MOMENT = Moment(100.0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def lint(page: str) -> tuple[int, str]:
    """Return mandoc's exit code and its complaints above the level STYLE."""
    program = shutil.which("mandoc")
    if program is None:
        pytest.skip("mandoc is not on PATH")
    done = subprocess.run(
        [program, "-T", "lint", "-W", "warning"],
        input=page,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_mandoc_finds_no_fault() -> None:
    assert lint(PAGE) == (0, "")


def test_mandoc_finds_a_planted_fault() -> None:
    code, complaints = lint(PAGE.replace(".El\n", "", 1))
    assert code != 0
    assert "WARNING" in complaints or "ERROR" in complaints


def test_standard_sections_are_present() -> None:
    sections = re.findall(r"^\.Sh (.*)$", PAGE, re.MULTILINE)
    assert {
        *("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "KEYS", "ENVIRONMENT", "FILES"),
        *("EXIT STATUS", "EXAMPLES", "JSON AND CSV", "STORE", "PROMETHEUS"),
        *("CONTROL-PORT FILTERS", "PRIVACY", "NUMBERS", "SEE ALSO"),
    } <= set(sections)


def test_every_flag_is_documented() -> None:
    flags = {name for action in arguments.parser()._actions for name in action.option_strings}
    assert manual.documented(PAGE, "Fl")["OPTIONS"] == flags


def test_every_file_that_can_be_printed_is_documented() -> None:
    assert manual.documented(PAGE, "Cm")["DESCRIPTION"] == set(resources.FILES)


def test_every_key_is_documented() -> None:
    keys = {key for binding in BINDINGS for key in binding.keys}
    assert manual.documented(PAGE, "Ic")["KEYS"] == keys


def test_every_field_of_a_recording_is_documented() -> None:
    assert manual.documented(PAGE, "Va")["JSON AND CSV"] == set(FIELDS)


def test_every_field_of_the_object_is_documented() -> None:
    fleet = Fleet([Instance("guard"), Instance("exit")])
    fields = set(_keys(document(fleet, MOMENT)))
    assert manual.documented(PAGE, "Va")["THE OBJECT OF --once --json"] == fields


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _keys(each)


def test_every_table_and_column_of_the_schema_is_documented() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(schema.TABLES)
        listed = database.execute("SELECT name FROM sqlite_schema WHERE sql > ''")
        tables = {name for (name,) in listed}
        columns = {
            column
            for table in tables
            for (column,) in database.execute("SELECT name FROM pragma_table_info(?)", [table])
        }
    assert manual.documented(PAGE, "Va")["STORE"] == columns
    assert set(re.findall(r"^The table\n\.Sy (\w+)$", PAGE, re.MULTILINE)) == tables
    assert f".Ss Schema, version {schema.VERSION}\n" in PAGE
    assert f"is {schema.APPLICATION_ID}\n" in PAGE


def test_the_example_query_is_valid() -> None:
    (query,) = re.findall(r"^sqlite3 '[^']+' \"([^\"]+)\"$", PAGE, re.MULTILINE)
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(schema.TABLES)
        assert database.execute(query).fetchall() == []


def test_every_metric_is_documented() -> None:
    families = list(FleetCollector(Fleet([Instance("exit")])).collect())
    metrics = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert manual.documented(PAGE, "Va")["PROMETHEUS"] == metrics


def test_environment_variables_are_documented() -> None:
    named = set(re.findall(r"\b(?:TOR_CONTROL_\w+|NO_COLOR|XDG_CONFIG_HOME)\b", _package_source()))
    assert named <= manual.documented(PAGE, "Ev")["ENVIRONMENT"]


def _package_source() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in manual.PACKAGE.rglob("*.py") if path.is_file()
    )


EXAMPLES = [line.removeprefix(".Dl ") for line in PAGE.splitlines() if line.startswith(".Dl ")]


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_valid_command_lines(line: str) -> None:
    manual.check_command_line(line)


def test_invalid_command_lines_are_found() -> None:
    for line in (
        "bwgraph --no-such-flag",
        "bwgraph --units apples",
        "bwgraph print nothing",
        "bwgraph --json | bwgraph --rewind",
        "tor --help",
    ):
        with pytest.raises((Exception, SystemExit)):
            manual.check_command_line(line)


def test_commands_are_found_in_shell_lines() -> None:
    line = "A=1 xz -dc f | ssh -t host .venv/bin/bwgraph --store ~/b > x  # bwgraph --wrong"
    assert manual.bwgraph_commands(line) == [["--store", "~/b"]]
    assert manual.bwgraph_commands("sudo sh -c 'bwgraph print man'") == [["print", "man"]]
