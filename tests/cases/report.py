"""One line for each case: ``python tests/cases/report.py [-k WORD]``, with whichever geosal that Python imports.

For another version: ``PYTHONPATH=ITS_CHECKOUT python tests/cases/report.py`` (its C libraries built in place).
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cases.frame import Case, every_case


def outcome(case: Case) -> str:
    """Run a case; empty where it came out right, else what came instead, in one line."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            case.run(Path(folder))
        except BaseException as error:  # noqa: BLE001 - whatever an old version does is its outcome, pytest.fail too
            return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return ""


def main() -> None:
    """Run the cases and print; exit code 1 where one did not come out right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only cases with this in their names")
    word = parser.parse_args().k
    wrong = 0
    for case in every_case():
        if word in case.name:
            found = outcome(case)
            wrong += bool(found)
            line = f"{'WRONG' if found else 'ok   '}  {case.name}: {case.says}{' - ' if found else ''}{found}"
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
