"""Every case comes out right."""

from pathlib import Path

import pytest
from cases.frame import Case, every_case


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in every_case()])
def test_case(case: Case, tmp_path: Path) -> None:
    case.run(tmp_path)
