"""Several tors on one real terminal: control ports that do what the test says."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fake_tor import FakeTor, Manners
from pty_driver import Program, bwgraph_argv, environment

NAMES = ("exit", "guard", "bridge")


@contextmanager
def fakes(*behaviours: Manners) -> Iterator[list[FakeTor]]:
    """Tors that send events all the time: the first moves the most."""
    over = threading.Event()

    def feed(server: FakeTor, read: int) -> None:
        while not over.wait(0.25):
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
            over.set()
            for thread in threads:
                thread.join()


def three() -> list[Manners]:
    return [
        Manners(process=4711 + number, conf={"nickname": f"relay{number}"}) for number in range(3)
    ]


def ports(servers: list[FakeTor]) -> list[str]:
    return [
        f"--port={name}={server.endpoint}" for name, server in zip(NAMES, servers, strict=False)
    ]


def header(view: str) -> re.Pattern[str]:
    return re.compile(rf"\Abwgraph  {view}  ")


def rows(program: Program) -> list[str]:
    """The names in the table, from the top."""
    names = "|".join((*NAMES, "sum of"))
    return re.findall(rf"^[> ] ({names})", program.text(), re.MULTILINE)


def chosen(program: Program) -> str:
    found = re.search(r"^> (\w+)", program.text(), re.MULTILINE)
    return found[1] if found else ""


def test_the_view_in_use_is_named_whatever_the_keys() -> None:
    everyone, total = "all 3 tors, by name", "sum of 3 tors"
    keys = [
        ("\t", total),
        *(("\t", name) for name in NAMES),
        ("\t", everyone),
        *(("\x1b[Z", name) for name in reversed(NAMES)),
        ("\x1b[Z", total),
        ("\x1b[Z", everyone),
        *((str(number + 1), name) for number, name in enumerate(NAMES)),
        ("9", "bridge"),
        ("0", total),
        ("\x1b", everyone),
        # By name the lines are bridge, exit, guard.
        ("\r", "bridge"),
        ("\x1b", everyone),
        ("\x1bOB\r", "exit"),
        ("\x1b", everyone),
        ("jj\r", total),
        ("\x1b", everyone),
        ("\x1bOA\r", "guard"),
        ("\x1b", everyone),
        ("o", "all 3 tors, by traffic"),
        ("kkkk\r", "exit"),
    ]
    with fakes(*three()) as servers, Program(*ports(servers), size=(110, 24)) as program:
        program.wait_for(header(everyone))
        program.wait_for(re.compile(r"^> bridge +up ", re.MULTILINE))
        for key, view in keys:
            program.send(key)
            program.wait_for(header(view))
            assert program.fits()
            if key == "o":
                program.wait_until(lambda: rows(program)[0] == "exit", "the busiest is the first")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_the_table_is_sorted_by_name_or_by_traffic_and_a_line_is_chosen() -> None:
    with fakes(*three()) as servers, Program(*ports(servers), size=(110, 24)) as program:
        program.wait_until(lambda: rows(program) == ["bridge", "exit", "guard", "sum of"], "rows")
        program.wait_for(re.compile(r"^  sum of 3 tors +up .*[\d.]+[KM] ", re.MULTILINE))
        program.send("o")
        program.wait_until(lambda: rows(program)[:3] == list(NAMES), "the busiest first")
        # The line that was chosen is the tor's, wherever it goes.
        program.send("\x1bOB")
        program.wait_until(lambda: chosen(program) == "guard", "the second")
        program.send("o")
        program.wait_until(lambda: rows(program)[0] == "bridge", "by name again")
        assert chosen(program) == "guard"


def test_one_that_is_down_at_the_start_is_shown_so_and_waited_for() -> None:
    with fakes(*three()) as servers:
        servers[1].refuse()
        servers[1].hang_up()
        with Program(*ports(servers), size=(110, 24)) as program:
            program.wait_for(re.compile(r"^[> ] guard +down ", re.MULTILINE))
            program.wait_for(re.compile(r"^[> ] exit +up ", re.MULTILINE))
            program.wait_for(re.compile(r"^  sum of 3 tors +1 down ", re.MULTILINE))
            servers[1].listen()
            program.send("r")
            program.wait_for(re.compile(r"^[> ] guard +up ", re.MULTILINE))
            program.wait_gone("1 down")


def test_where_none_comes_up_it_ends_with_what_each_says() -> None:
    with fakes(*three()[:2]) as servers:
        arguments = ports(servers)
        for server in servers:
            server.refuse()
        with Program(*arguments, size=(110, 24)) as program:
            assert program.wait_exit() == 1
            said = program.after_graph()
            assert program.on_normal_screen()
            for server in servers:
                assert f"{server.endpoint}: connection refused" in said
        with Program(*arguments, "--wait", size=(110, 24)) as program:
            program.wait_for("2 tors")
            program.wait_for(re.compile("connection refused"))
            servers[0].listen()
            program.send("r")
            program.wait_for(re.compile(r"^[> ] exit +up ", re.MULTILINE))


def test_a_password_is_asked_for_and_without_one_that_tor_stays_down() -> None:
    locked = Manners(methods="HASHEDPASSWORD", password=b"s3cret")
    with fakes(three()[0], locked) as servers:
        for answer, state in (("s3cret\r", "up"), ("\x04", "down")):
            with Program(*ports(servers), size=(110, 24)) as program:
                program.wait_for(f"Password of the tor at {servers[1].endpoint}")
                program.send(answer)
                program.wait_for(re.compile(rf"^[> ] guard +{state}", re.MULTILINE))
                program.wait_for(re.compile(r"^[> ] exit +up", re.MULTILINE))
                program.send("q")
                assert program.wait_exit() == 0
                assert b"s3cret" not in program.raw


def test_json_says_which_tor_and_once_shows_all(tmp_path: Path) -> None:
    with fakes(*three()) as servers:
        argv = bwgraph_argv(*ports(servers), "--json")
        told: set[str] = set()
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
        ) as lines:
            assert lines.stdout is not None
            while told != {*NAMES}:
                told.add(json.loads(lines.stdout.readline())["tor"])
            lines.terminate()
        done = subprocess.run(
            bwgraph_argv(*ports(servers), "--once"),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=30,
            check=True,
        )
    assert [word for word in (*NAMES, "sum of 3 tors") if word not in done.stdout] == []
