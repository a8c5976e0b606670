from geosal import errors
from geosal.cli.failure import Failure


def test_an_error_of_ours_is_told_by_code_kind_and_message() -> None:
    failure = Failure.of(errors.TargetError("https://h/x?sig=SECRET: too large; ask for more"))
    assert (failure.code, failure.kind) == (6, "TargetError")
    assert failure.message == "https://h/x?*** too large; ask for more"
