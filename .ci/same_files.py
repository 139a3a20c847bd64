"""same_files.py SDIST WHEEL: fail unless both hold the committed package, byte for byte.

The sdist must also hold the tests and every file that they need.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGE = ("bwgraph/",)
ALL = (*PACKAGE, "tests/", ".github/", ".pictures/", "README.md", "LICENSE", "pyproject.toml")


def committed(paths: tuple[str, ...]) -> dict[str, bytes]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *paths], capture_output=True, text=True, check=True
    )
    return {name: Path(name).read_bytes() for name in listed.stdout.split("\0") if name}


def in_sdist(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as sdist:
        files = {member.name: sdist.extractfile(member) for member in sdist.getmembers()}
        return {
            name.partition("/")[2]: file.read() for name, file in files.items() if file is not None
        }


def in_wheel(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def differences(archive: str, found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    relevant = {name: data for name, data in found.items() if name.startswith(ALL)}
    return [
        f"the {archive} differs from the commit: {name}"
        for name in sorted(relevant.keys() | expected.keys())
        if relevant.get(name) != expected.get(name)
    ]


def main() -> int:
    sdist, wheel = sys.argv[1:]
    found = differences("sdist", in_sdist(sdist), committed(ALL))
    found += differences("wheel", in_wheel(wheel), committed(PACKAGE))
    print("\n".join(found) or "the sdist and the wheel are equal to the commit")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
