"""Several tors in one real terminal, at fake control ports."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fake_tor import FakeTor, TorBehavior
from pty_driver import Program, bwgraph_argv, environment

NAMES = ("exit", "guard", "bridge")


@contextmanager
def fakes(*behaviours: TorBehavior) -> Iterator[list[FakeTor]]:
    """Run tors that keep sending events; the first has the highest rate."""
    ended = threading.Event()

    def feed(server: FakeTor, read: int) -> None:
        while not ended.wait(0.25):
            for session in server._subscribers():
                session.send(b"650 BW %d %d\r\n" % (read, read // 2))

    with ExitStack() as stack:
        servers = [stack.enter_context(FakeTor(behaviour)) for behaviour in behaviours]
        threads = [
            threading.Thread(target=feed, args=(server, 300_000 // (number + 1)))
            for number, server in enumerate(servers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield servers
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def three_relays() -> list[TorBehavior]:
    return [
        TorBehavior(process=4711 + number, conf={"nickname": f"relay{number}"})
        for number in range(3)
    ]


def port_arguments(servers: list[FakeTor]) -> list[str]:
    return [
        f"--port={name}={server.endpoint}" for name, server in zip(NAMES, servers, strict=False)
    ]


def header(view: str) -> re.Pattern[str]:
    return re.compile(rf"\Abwgraph  {view}  ")


def rows(program: Program) -> list[str]:
    """Return the names in the table, from top to bottom."""
    names = "|".join((*NAMES, "sum of"))
    return re.findall(rf"^[> ] ({names})", program.text(), re.MULTILINE)


def selected(program: Program) -> str:
    """Return the name in the selected row; empty if there is none."""
    match = re.search(r"^> (\w+)", program.text(), re.MULTILINE)
    return match[1] if match else ""


def test_header_names_the_view_after_each_key() -> None:
    table, fleet_sum = "all 3 tors, by name", "sum of 3 tors"
    keys = [
        ("\t", fleet_sum),
        *(("\t", name) for name in NAMES),
        ("\t", table),
        *(("\x1b[Z", name) for name in reversed(NAMES)),
        ("\x1b[Z", fleet_sum),
        ("\x1b[Z", table),
        *((str(number + 1), name) for number, name in enumerate(NAMES)),
        ("9", "bridge"),
        ("0", fleet_sum),
        ("\x1b", table),
        # Sorted by name, the rows are bridge, exit, guard.
        ("\r", "bridge"),
        ("\x1b", table),
        ("\x1bOB\r", "exit"),
        ("\x1b", table),
        ("jj\r", fleet_sum),
        ("\x1b", table),
        ("\x1bOA\r", "guard"),
        ("\x1b", table),
        ("o", "all 3 tors, by traffic"),
        ("kkkk\r", "exit"),
    ]
    with (
        fakes(*three_relays()) as servers,
        Program(*port_arguments(servers), size=(110, 24)) as program,
    ):
        program.wait_for(header(table))
        program.wait_for(re.compile(r"^> bridge +up ", re.MULTILINE))
        for key, view in keys:
            program.send(key)
            program.wait_for(header(view))
            assert program.fits()
            if key == "o":
                program.wait_until(lambda: rows(program)[0] == "exit", "the highest rate first")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_table_is_sorted_by_name_or_traffic_and_the_selection_follows_the_tor() -> None:
    with (
        fakes(*three_relays()) as servers,
        Program(*port_arguments(servers), size=(110, 24)) as program,
    ):
        program.wait_until(lambda: rows(program) == ["bridge", "exit", "guard", "sum of"], "rows")
        program.wait_for(re.compile(r"^  sum of 3 tors +up .*[\d.]+[KM] ", re.MULTILINE))
        program.send("o")
        program.wait_until(lambda: rows(program)[:3] == list(NAMES), "the highest rate first")
        program.send("\x1bOB")
        program.wait_until(lambda: selected(program) == "guard", "the second selected")
        program.send("o")
        program.wait_until(lambda: rows(program)[0] == "bridge", "sorted by name again")
        assert selected(program) == "guard"


def test_tor_that_is_down_at_the_start_is_shown_and_waited_for() -> None:
    with fakes(*three_relays()) as servers:
        servers[1].stop_listening()
        servers[1].hang_up()
        with Program(*port_arguments(servers), size=(110, 24)) as program:
            program.wait_for(re.compile(r"^[> ] guard +down ", re.MULTILINE))
            program.wait_for(re.compile(r"^[> ] exit +up ", re.MULTILINE))
            program.wait_for(re.compile(r"^  sum of 3 tors +1 down ", re.MULTILINE))
            servers[1].listen()
            program.send("r")
            program.wait_for(re.compile(r"^[> ] guard +up ", re.MULTILINE))
            program.wait_gone("1 down")


def test_program_ends_with_the_reason_of_each_if_no_tor_is_up() -> None:
    with fakes(*three_relays()[:2]) as servers:
        arguments = port_arguments(servers)
        for server in servers:
            server.stop_listening()
        with Program(*arguments, size=(110, 24)) as program:
            assert program.wait_exit() == 1
            message = program.after_graph()
            assert program.on_normal_screen()
            for server in servers:
                assert f"{server.endpoint}: connection refused" in message
        with Program(*arguments, "--wait", size=(110, 24)) as program:
            program.wait_for("2 tors")
            program.wait_for(re.compile("connection refused"))
            servers[0].listen()
            program.send("r")
            program.wait_for(re.compile(r"^[> ] exit +up ", re.MULTILINE))


def test_tor_whose_password_is_not_given_stays_down() -> None:
    locked = TorBehavior(methods="HASHEDPASSWORD", password=b"s3cret")
    with fakes(three_relays()[0], locked) as servers:
        for answer, state in (("s3cret\r", "up"), ("\x04", "down")):
            with Program(*port_arguments(servers), size=(110, 24)) as program:
                program.wait_for(f"Password of the tor at {servers[1].endpoint}")
                program.send(answer)
                program.wait_for(re.compile(rf"^[> ] guard +{state}", re.MULTILINE))
                program.wait_for(re.compile(r"^[> ] exit +up", re.MULTILINE))
                program.send("q")
                assert program.wait_exit() == 0
                assert b"s3cret" not in program.raw


def test_json_names_the_tor_and_once_shows_all(tmp_path: Path) -> None:
    with fakes(*three_relays()) as servers:
        argv = bwgraph_argv(*port_arguments(servers), "--json")
        named: set[str] = set()
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
        ) as process:
            assert process.stdout is not None
            while named != {*NAMES}:
                named.add(json.loads(process.stdout.readline())["tor"])
            process.terminate()
        done = subprocess.run(
            bwgraph_argv(*port_arguments(servers), "--once"),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=30,
            check=True,
        )
    assert [word for word in (*NAMES, "sum of 3 tors") if word not in done.stdout] == []
