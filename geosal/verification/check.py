"""The result of one check, and the error that failed checks raise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from geosal.core.tables import Table, Tabled
from geosal.errors import VerificationError

_OF_READING = {"georeferenced", "bands"}
"""Checks that also fail where the job read the source in another way: other bands, bytes or resolution."""
_OF_A_SEAL = {"seal", "sealed", "background"}
_SKIPPED = "not compared: "
_READ_ALIKE = "read the scene as the job did (its --stack, --bidx, --bands, --resolution, --to-byte), or write it again"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it holds, and what was found.

    Attributes
    ----------
    name
        A word.
    ok
        Nothing wrong was found.
    detail
        What was found, or why nothing was looked at.
    checked
        Whether it was made. What cannot be compared is no failure, and proves nothing.
    promised
        Whether the file promises it. A lossy codec promises nothing of samples: nothing is left to prove.
    facts
        What was found, as plain data; see `geosal.verification.sealed.check_seal`.
    """

    name: str
    ok: bool
    detail: str = ""
    checked: bool = True
    promised: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, name: str, faults: Iterable[str], fine: str = "", facts: Mapping[str, Any] | None = None) -> "Check":
        """Make a check that holds when there are no `faults`; `fine` is the detail then."""
        found = list(faults)
        return cls(name, not found, "; ".join(found) if found else fine, facts=facts or {})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; facts where there are some."""
        told = asdict(self)
        return told if told["facts"] else {name: value for name, value in told.items() if name != "facts"}

    @classmethod
    def skip(cls, name: str, why: str, *, promised: bool = True) -> "Check":
        """Tell of a check that is not made, and why."""
        return cls(name, ok=True, detail=f"{_SKIPPED}{why}", checked=False, promised=promised)


class Checks(Tabled, tuple[Check, ...]):  # noqa: SLOT001  it has an attribute, which a tuple has no slots for
    """The checks of a file, in the order they were made.

    Attributes
    ----------
    as_the_file_says
        Options that nobody gave and that were taken from the file's own recipe, by name.
    """

    as_the_file_says: Mapping[str, Any]

    def __new__(cls, checks: Iterable[Check] = (), as_the_file_says: Mapping[str, Any] | None = None) -> Self:
        """Make them of single ones."""
        made = super().__new__(cls, checks)
        made.as_the_file_says = dict(as_the_file_says or {})
        return made

    @property
    def ok(self) -> bool:
        """Return whether all of them hold."""
        return all(check.ok for check in self)

    def get(self, name: str) -> Check | None:
        """Return the check of that name; None where none was made."""
        return next((check for check in self if check.name == name), None)

    @property
    def unproved(self) -> tuple[Check, ...]:
        """Return those of what the file promises that could not be made."""
        return tuple(check for check in self if check.promised and not check.checked)

    @property
    def proved(self) -> bool:
        """Return whether all that is promised was checked and holds."""
        return self.ok and not self.unproved

    @property
    def lacking(self) -> str:
        """What could not be checked and why, for people; empty where all was."""
        return "; ".join(f"{check.name} ({check.detail.removeprefix(_SKIPPED)})" for check in self.unproved)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        checks = [check.to_dict() for check in self]
        told = {"ok": self.ok, "proved": self.proved, "unproved": [check.name for check in self.unproved]}
        return told | {"as_the_file_says": dict(self.as_the_file_says), "checks": checks}

    def __repr__(self) -> str:
        failed = "".join(f"; FAILED {check.name}: {check.detail}" for check in self if not check.ok)
        made = sum(check.checked for check in self)
        return f"<Checks: {sum(check.ok and check.checked for check in self)} of {made} hold{failed}>"

    def _table(self) -> Table:
        """Return the checks, one a row."""
        rows = [("FAILED" if not c.ok else "ok" if c.checked else "--", c.name, c.detail) for c in self]
        title = "checks failed" if not self.ok else "all checks hold" if self.proved else f"NOT PROVED: {self.lacking}"
        return Table(title, ("", "check", "found"), rows, self.as_the_file_says)


def raise_if_failed(checks: Sequence[Check], output: str) -> None:
    """Turn failed checks into an error.

    Raises
    ------
    VerificationError
        One of `checks` does not hold; the message lists all that do not.
    """
    failed = {check.name: check.detail for check in checks if not check.ok}
    if fault := failed.get("opens"):  # it says by itself what to do
        raise VerificationError(f"{output}: holds nothing that was promised: {fault.removeprefix(f'{output}: ')}")
    if failed:
        told = "; ".join(f"{name} ({detail})" for name, detail in failed.items())
        mend = _READ_ALIKE if _OF_READING & failed.keys() else "write it again"
        if _OF_A_SEAL & failed.keys():
            mend = "take a copy that is as it was sealed, or write it again"
        raise VerificationError(f"{output}: does not hold what was promised: {told}; {mend}")


def raise_if_unproved(checks: Checks, output: str) -> None:
    """Turn checks that could not be made into an error.

    Raises
    ------
    VerificationError
        One of `checks` could not be made; the message lists all that could not.
    """
    if checks.unproved:
        raise VerificationError(f"{output}: not all could be checked, as --strict asks: {checks.lacking}")
