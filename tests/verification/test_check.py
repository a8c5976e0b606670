"""What many findings come to."""

import pytest

from geosal.errors import VerificationError
from geosal.verification import Check, Checks, raise_if_failed


def test_failures_are_told_in_one_line() -> None:
    checks = (Check("a", ok=True), Check("b", ok=False, detail="x"), Check("c", ok=False, detail="y"))
    with pytest.raises(
        VerificationError, match=r"out.tif: does not hold what was promised: b \(x\); c \(y\)"
    ) as caught:
        raise_if_failed(checks, "out.tif")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 6


def test_a_scene_read_in_another_way_is_told_how_to_be_read() -> None:
    with pytest.raises(
        VerificationError, match=r"read the scene as the job did \(its --stack, --bidx, --bands"
    ) as caught:
        raise_if_failed((Check("bands", ok=False, detail="3 bands, not 4"),), "out.tif")
    assert str(caught.value).endswith("or write it again")
    with pytest.raises(VerificationError, match="background .x.; take a copy that is as it was sealed"):
        raise_if_failed((Check("background", ok=False, detail="x"),), "out.tif")
    with pytest.raises(VerificationError, match=r"\(x\); write it again"):
        raise_if_failed((Check("salient", ok=False, detail="x"),), "out.tif")


def test_a_file_that_does_not_open_has_one_mend() -> None:
    fault = "out.tif: is a pipe; write it into a file first"
    with pytest.raises(VerificationError) as caught:
        raise_if_failed((Check("opens", ok=False, detail=fault),), "out.tif")
    assert str(caught.value) == "out.tif: holds nothing that was promised: is a pipe; write it into a file first"


def test_what_is_not_promised_is_not_missed() -> None:
    checks = Checks((Check.of("layout", []), Check.skip("salient", "the codec is lossy", promised=False)))
    assert (checks.proved, checks.unproved, checks.lacking) == (True, (), "")
    assert not Checks((Check.skip("salient", "no saliency"),)).proved
