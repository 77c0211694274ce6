"""Count the passed, failed and skipped tests of pytest's reports. Exit 1 for a skip that no missing tool excuses."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(*results: str, missing: str) -> int:
    """Read pytest's JUnit files and the names of the tools that could not be installed, one per line."""
    tools = Path(missing).read_text().split()
    passed = failed = skipped = 0
    unexcused = []
    written = (ET.parse(one).getroot() for one in results)  # noqa: S314 - by pytest, a moment ago
    for case in (case for root in written for case in root.iter("testcase")):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skipped += 1
            reason = skip.get("message", "")
            # A test that is skipped for a tool names it in its reason.
            if not any(tool in reason for tool in tools):
                unexcused.append(f"{case.get('classname')}.{case.get('name')}: {reason}")
        else:
            passed += 1
    for line in unexcused:
        sys.stdout.write(f"SKIPPED WITHOUT A MISSING TOOL {line}\n")
    sys.stdout.write(f"{passed} passed, {failed} failed, {skipped} skipped\n")
    return 1 if unexcused or failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:-1], missing=sys.argv[-1]))
