"""same_files.py SDIST WHEEL: fail unless both hold the package as it is committed, byte for byte.

The sdist must hold all that is committed for its users, too: the tests and what they need.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGE = ("bwgraph/",)
ALL = (*PACKAGE, "tests/", "README.md", "LICENSE", "pyproject.toml")


def committed(places: tuple[str, ...]) -> dict[str, bytes]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *places], capture_output=True, text=True, check=True
    )
    return {name: Path(name).read_bytes() for name in listed.stdout.split("\0") if name}


def in_sdist(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as sdist:
        opened = {each.name: sdist.extractfile(each) for each in sdist.getmembers()}
        return {
            name.partition("/")[2]: file.read() for name, file in opened.items() if file is not None
        }


def in_wheel(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def difference(what: str, found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    here = {name: data for name, data in found.items() if name.startswith(ALL)}
    return [
        f"{what} differs from what is committed: {name}"
        for name in sorted(here.keys() | expected.keys())
        if here.get(name) != expected.get(name)
    ]


def main() -> int:
    sdist, wheel = sys.argv[1:]
    found = difference("the sdist", in_sdist(sdist), committed(ALL))
    found += difference("the wheel", in_wheel(wheel), committed(PACKAGE))
    print("\n".join(found) or "the sdist and the wheel hold what is committed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
