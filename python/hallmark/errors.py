"""What went wrong: the table of docs/errors.md as exceptions.

Every failure of the library is an `Error` with a number, one sentence, a place and a hint. Its class is that of the
number's hundreds, so `except hallmark.InputError` catches all of E03xx. The classes are also those of Python's own
exceptions that say the same: a `UsageError` is a `ValueError`, a `FileError` an `OSError`.
"""

from __future__ import annotations

import re


class Error(Exception):
    """A failure of the library.

    number: int, as docs/errors.md lists it (322 for E0322).  what: one sentence.  where: place and numbers.
    hint: what to do.
    """

    def __init__(self, number: int, what: str, where: str = "", hint: str = "") -> None:
        self.number, self.what, self.where, self.hint = number, what, where, hint
        super().__init__(number, what, where, hint)

    def __str__(self) -> str:
        lines = [f"E{self.number:04}: {self.what}"]
        lines += [f"  {self.where}"] if self.where else []
        lines += [f"  try: {self.hint}"] if self.hint else []
        return "\n".join(lines)

    def __reduce__(self):
        return type(self), (self.number, self.what, self.where, self.hint)


class InternalError(Error):
    """E01xx: a bug in Hallmark."""


class UsageError(Error, ValueError):
    """E02xx: arguments that are none, or do not go together. Nothing was started."""


class InputError(Error, ValueError):
    """E03xx: an array or a file that is not what it has to be."""


class InfeasibleError(Error, ValueError):
    """E04xx: what was asked for cannot be carried out: shapes, groups, names, an output that exists."""


class NumericError(Error, ArithmeticError):
    """E05xx: a Gram matrix that is not positive definite, an overflow."""


class ContractError(Error):
    """E06xx: a run-time contract was violated."""


class MismatchError(Error):
    """E07xx: verification found other bytes, numbers or losses than those that are claimed."""


class FileError(Error, OSError):
    """E09xx: the operating system refused to read or write."""


class ExhaustedError(Error, MemoryError):
    """E10xx: out of memory or threads."""


class UnavailableError(Error):
    """E13xx: not built in."""


_OF_EXIT = {2: UsageError, 3: InputError, 4: InfeasibleError, 5: NumericError, 6: ContractError, 7: MismatchError,
            9: FileError, 10: ExhaustedError, 13: UnavailableError}


def of(exit_code: int, number: int, what: str, where: str, hint: str) -> Error:
    """The exception of an error of the library. A flag of the tool in its hint is an argument here."""
    argument = re.sub(r"--([a-z][a-z-]*)", lambda flag: flag.group(1).replace("-", "_"), hint)
    return _OF_EXIT.get(exit_code, InternalError)(number, what, where, argument)
