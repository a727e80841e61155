import hashlib

import numpy as np
import pytest

import hallmark

GOLDEN = [(1.0, 0x3E00), (2.0, 0x4000), (0.5, 0x3C00), (0.1, 0x3733), (-0.02, 0xB28F), (65504, 0x5E00),
          (2.0**-39, 0x0001), (2.0**-40, 0x0000), (3 * 2.0**-41, 0x0001), (4292870144, 0x7E00), (float("inf"), 0x7E00)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_words_of_the_specification(dtype):
    values, words = zip(*GOLDEN)
    assert hallmark.encode(np.array(values, dtype)).tolist() == list(words)


def test_the_decode_table_has_the_digest_of_the_specification():
    table = hallmark.decode(np.arange(65536, dtype=np.uint16))
    assert hashlib.sha256(table.astype("<f4").tobytes()).hexdigest() == (
        "f2726f77f21e7baccc1abe36eaba2c6248f14839e08f49d8347285cf2835afd0")
    words = hallmark.encode(table)
    finite = ~np.isnan(table)
    assert (words == np.arange(65536))[finite].all() and (words[~finite] == 0x7E01).all()


def test_binary64_is_rounded_once():
    x = 1 + 2.0**-10 + 2.0**-40  # through binary32 it would be a tie, and go down
    assert hallmark.encode(np.array([x]))[0] == hallmark.encode(np.array([1 + 2.0**-9], np.float32))[0]
    assert hallmark.encode(np.array([x], np.float32))[0] == 0x3E00


def test_shapes_and_strides():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for view in (x, x.transpose(2, 0, 1), x[:, ::2, ::-1], x.astype(">f4"), x.astype(np.float16), x[:0], x[0, 0, 0]):
        assert hallmark.encode(view).shape == view.shape
        assert (hallmark.decode(hallmark.encode(view)) == view).all()


def test_what_is_no_array_of_numbers():
    for wrong, number in [(np.array(["a"]), 351), (np.array([1 + 2j]), 351), (np.arange(3), 351), ([True], 351),
                          (np.ma.masked_array([1.0], [True]), 351)]:
        with pytest.raises(hallmark.InputError) as raised:
            hallmark.encode(wrong)
        assert raised.value.number == number
    for wrong in (np.arange(3), np.arange(3, dtype=np.int16), [0x3E00]):
        with pytest.raises(hallmark.InputError) as raised:
            hallmark.decode(wrong)
        assert raised.value.number == 351


def test_grids():
    grid = hallmark.Grid("int4")
    assert (grid.name, grid.id, grid.bits) == ("int4", "int4/2", 4)
    assert grid.points.tolist() == list(range(-8, 8))
    assert hallmark.Grid("gf16").points[-1] == 4290772992 and hallmark.Grid("nf4").points.shape == (16,)
    assert hallmark.Grid("int4") == grid != hallmark.Grid("int4s") and hash(grid) == hash(hallmark.Grid("int4"))
    with pytest.raises(hallmark.UsageError, match="E0220") as raised:
        hallmark.Grid("int99")
    assert raised.value.number == 220 and raised.value.where
