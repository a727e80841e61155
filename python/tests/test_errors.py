import pickle
import subprocess
import sys

import pytest

import hallmark
from hallmark import errors


def test_an_error_has_number_place_and_hint_and_a_class():
    with pytest.raises(ValueError) as raised:
        hallmark.Grid("int99")
    error = raised.value
    assert isinstance(error, hallmark.UsageError) and isinstance(error, hallmark.Error)
    assert error.number == 220 and str(error).startswith("E0220: ") and "try: " in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)


def test_every_exit_has_its_class_and_flags_become_arguments():
    for code, expected in [(1, errors.InternalError), (2, ValueError), (3, ValueError), (4, errors.InfeasibleError),
                           (5, ArithmeticError), (6, errors.ContractError), (7, errors.MismatchError), (9, OSError),
                           (10, MemoryError), (13, errors.UnavailableError)]:
        error = errors.of(code, 100 * code + 1, "what", "where", "a smaller --group-size, or --grid int4")
        assert isinstance(error, expected) and isinstance(error, errors.Error)
        assert error.hint == "a smaller group_size, or grid int4"


def test_import_is_quick():
    script = ("import os, time; a = time.perf_counter(), time.process_time(); import hallmark; "
              "b = time.perf_counter(), time.process_time(); print(min(b[0] - a[0], b[1] - a[1]))")
    times = [float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
             for _ in range(5)]
    assert min(times) <= 0.2, times
