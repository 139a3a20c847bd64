"""no_tor_skips.py JUNIT_XML: fail if a test that needs tor was skipped, or if none of them ran."""

import re
import sys
import xml.etree.ElementTree as ET

REAL = re.compile("test_(real_tor|truth)")
"The tests that start a tor of their own."


def main() -> int:
    cases = list(ET.parse(sys.argv[1]).iter("testcase"))
    real = [case for case in cases if REAL.search(case.get("classname", ""))]
    skipped = {
        case.get("name"): skip.get("message") for case in cases for skip in case.iter("skipped")
    }
    need_tor = [case.get("name") for case in real if case.get("name") in skipped]
    need_tor += [name for name, why in skipped.items() if "tor is not" in (why or "")]
    for name in dict.fromkeys(need_tor):
        print(f"skipped though tor is here: {name}: {skipped[name]}")
    print(f"{len(real)} tests ran against a real tor, {len(skipped)} of all tests were skipped")
    return 1 if need_tor or not real else 0


if __name__ == "__main__":
    sys.exit(main())
