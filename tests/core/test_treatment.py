import pytest

from geosal.core.treatment import SMOOTH, Bound, Quality, Treatment
from geosal.errors import UsageError


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("smooth",), SMOOTH),
        (("bound",), Treatment(smooth=False, then=Bound())),
        (("bound:error=32",), Treatment(smooth=False, then=Bound(32))),
        (("smooth", "bound:error=0.5"), Treatment(then=Bound(0.5))),
        (("bound:error=3,finer=0.25",), Treatment(smooth=False, then=Bound(3, 0.25))),
        (("bound:error=0.5sigma",), Treatment(smooth=False, then=Bound(sigmas=0.5))),
        (("smooth", "bound:error=2sigma,finer=0.25"), Treatment(then=Bound(None, 0.25, 2))),
        (("quality:high=90,low=40.5", "smooth"), Treatment(then=Quality(40.5, 90))),
        (("quality",), Treatment(smooth=False, then=Quality())),
    ],
)
def test_treatments_are_read_and_written_alike(texts: tuple[str, ...], expected: Treatment) -> None:
    found = Treatment.parse(texts)
    assert found == expected
    assert Treatment.parse(str(found).split()) == Treatment.parse(found.texts) == expected


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((), "no treatment: leave it out for smooth, or say one of smooth, bound, quality, twopass"),
        (("blur",), "treatment 'blur': unknown; it is smooth, bound, quality, twopass, such as bound:error=32"),
        (("smooth:error=3",), "'error=3' is no parameter of smooth; it takes none"),
        (("bound:errors=3",), "'errors=3' is no parameter of bound; it takes error=, finer= once"),
        (("bound:3",), "'3' is no parameter of bound"),
        (("quality:low=1,low=2",), "'low=2' is no parameter of quality; it takes low=, high= once"),
        (("bound:error=-1",), "error=-1 is no number above 0"),
        (("bound:error=0",), "error=0 is no number above 0"),
        (("bound:error=nan",), "error=nan is no number above 0"),
        (("bound:error=inf",), "error=inf is no number above 0"),
        (("bound:error=",), "error= is no number above 0"),
        (("bound:error=sigma",), "error= is no number above 0"),
        (("bound:error=0sigma",), "error=0 is no number above 0"),
        (("bound:error=3,error=0.5sigma",), "'error=0.5sigma' is no parameter of bound; it takes error=, finer= once"),
        (("bound:error=0.5sigma,error=3",), "'error=3' is no parameter of bound; it takes error=, finer= once"),
        (("bound:error=3,finer=1.5",), "finer=1.5 is a share of the scene; say 1 at most"),
        (("quality:high=101",), "high=101, the best there is is 100"),
        (("quality:high=0.5",), "high=0.5, the worst there is is 1; say more"),
        (("quality:low=1e-320",), "the worst there is is 1"),
        (("twopass:low=0.2",), "twopass: low=0.2, the worst there is is 1"),
        (("quality:low=50,high=40",), "low=50 is above high=40; exchange them"),
        (("bound", "quality"), "treatments bound and quality: .*choose one of them"),
        (("smooth", "smooth"), "treatment smooth: is given twice"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Treatment.parse(texts)
    assert "\n" not in str(caught.value)


def test_sigmas_are_no_units_of_samples() -> None:
    with pytest.raises(UsageError, match="bound:error=0.5sigma: the noise is learnt from a scene"):
        Bound(sigmas=0.5).errors(8, "uint16")


def test_errors_grow_with_the_level_and_are_whole_for_integers() -> None:
    assert Bound(32).errors(8, "uint16") == (0, 4, 8, 12, 16, 20, 24, 28, 32)
    assert Bound(5).errors(3, "uint8") == (0, 1, 3, 5)
    assert Bound(0.5).errors(2, "float32") == (0, 0.25, 0.5)


def test_finer_errors_are_those_of_one_less() -> None:
    assert Bound(5, 0.5).fine_errors(3, "uint8") == (0, 1, 2, 4)
    assert Bound(1, 0.5).fine_errors(2, "int16") == (0, 0, 0)
    assert Bound(5).fine_errors(3, "uint8") == ()
    with pytest.raises(UsageError, match="float32 can have any error, not whole ones alone; leave out finer="):
        Bound(5, 0.5).errors(3, "float32")


def test_integers_have_a_default_error_and_floats_must_say_theirs() -> None:
    assert Bound().errors(1, "uint8") == (0, 4)
    assert Bound().errors(1, "int16") == (0, 32)
    with pytest.raises(UsageError, match=r"usual for float32; say one in units of its samples, such as bound:error"):
        Bound().errors(8, "float32")


@pytest.mark.parametrize(("dtype", "error"), [("uint8", 128), ("uint8", 0.9), ("int16", 32768)])
def test_an_error_that_the_dtype_cannot_have_is_refused(dtype: str, error: float) -> None:
    with pytest.raises(UsageError, match=f"for {dtype} it is a number from 1 to"):
        Bound(error).errors(8, dtype)
