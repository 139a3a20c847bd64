"""no_tor_skips.py JUNIT_XML: fail if a test that needs tor was skipped, or if none ran."""

import re
import sys
import xml.etree.ElementTree as ET

REAL_TOR = re.compile(r"\breal_tor\.")
"Matches the class names of the tests that start a tor."


def main() -> int:
    cases = list(ET.parse(sys.argv[1]).iter("testcase"))
    real = [case for case in cases if REAL_TOR.search(case.get("classname", ""))]
    skipped = {
        case.get("name"): skip.get("message") for case in cases for skip in case.iter("skipped")
    }
    need_tor = [case.get("name") for case in real if case.get("name") in skipped]
    need_tor += [name for name, reason in skipped.items() if "tor is not" in (reason or "")]
    for name in dict.fromkeys(need_tor):
        print(f"skipped although tor is installed: {name}: {skipped[name]}")
    print(f"{len(real)} tests ran on a real tor; {len(skipped)} of all tests were skipped")
    return 1 if need_tor or not real else 0


if __name__ == "__main__":
    sys.exit(main())
