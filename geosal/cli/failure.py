"""Why a command has failed, as people and programs are told."""

from dataclasses import dataclass
from typing import Self

from geosal.errors import GeosalError


@dataclass(frozen=True)
class Failure:
    """Why a command ends without its outcome.

    Attributes
    ----------
    code
        Exit code.
    kind
        Name of the error's class.
    message
        What was asked, what was found and the mend, in one line.
    """

    code: int
    kind: str
    message: str

    @classmethod
    def of(cls, error: GeosalError) -> Self:
        """One of our errors."""
        return cls(error.exit_code, type(error).__name__, str(error))
