"""Run what tests call trials, ``test_trial_N_…``, and print the table of docs/reference/trials.md with the outcomes.

    python tests/trials.py [NUMBER …]

No test of the suite, which has the same tests anyway. The exit code is 1 where one fails, or a number has none.
"""

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "reference" / "trials.md"
NUMBERS = [*map(str, range(1, 26)), "extra"]
_TEST = re.compile(r"def (test_trial_((?:\d+_)+|extra_)\w*)")
_ROW = re.compile(r"\| (\d+|extra) \| (.*) \| (.*) \| (.*) \|")


def numbers_of(name: str) -> list[str]:
    """Numbers of the trials that a test serves, by its name; none of any other test."""
    found = _TEST.match(f"def {name}")
    return [] if found is None else found[2].rstrip("_").split("_")


def named() -> dict[str, dict[str, list[str]]]:
    """Names of the tests of each trial, by their files."""
    found: dict[str, dict[str, list[str]]] = {number: {} for number in NUMBERS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for match in _TEST.finditer(path.read_text(encoding="utf-8")):
            for number in numbers_of(match[1]):
                found.setdefault(number, {}).setdefault(str(path.relative_to(TESTS)), []).append(match[1])
    return found


def rows() -> dict[str, tuple[str, str, str]]:
    """Rows of the page: what is done, what geosal does, and where that is held."""
    return {match[1]: (match[2], match[3], match[4]) for match in _ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def outcomes(files: list[str]) -> dict[str, Counter[str]]:
    """Run the trials of some files; how often each test passed, failed or was skipped."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-k", "test_trial_", f"--junitxml={told}", *files]
        subprocess.run(command, cwd=TESTS.parent, stdout=sys.stderr, check=False)
        cases = ET.parse(told).getroot().iter("testcase")
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for case in cases:
            kinds = {each.tag for each in case} & {"failure", "error", "skipped"}
            kind = "skipped" if kinds == {"skipped"} else "failed" if kinds else "passed"
            found[case.get("name", "").partition("[")[0]][kind] += 1
    return found


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:] or NUMBERS
    by_number, told = named(), rows()
    files = sorted({f"tests/{file}" for number in wanted for file in by_number.get(number, {})})
    found, failed = outcomes(files) if files else {}, False
    sys.stdout.write("| # | what is done | what geosal does | tests | outcome |\n|---:|---|---|---|---|\n")
    for number in wanted:
        names = [(file, name) for file, several in by_number.get(number, {}).items() for name in several]
        sums = sum((found.get(name, Counter({"failed": 1})) for _, name in names), Counter())
        failed |= not names or sums["failed"] > 0
        outcome = ", ".join(f"{count} {kind}" for kind, count in sorted(sums.items())) or "NO TEST"
        listed = "<br>".join(f"`{file}::{name}`" for file, name in names)
        done, does, _ = told[number]
        sys.stdout.write(f"| {number} | {done} | {does} | {listed} | {outcome} |\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
