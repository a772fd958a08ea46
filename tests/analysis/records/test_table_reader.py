import numpy as np
import pytest

from cascade_steering.analysis.records.table_reader import read_table

NAN = float("nan")


def test_a_table_has_named_columns_with_units_and_exact_numbers() -> None:
    found = read_table(b"# made by hand\n#: gain = 2\nt [us];voltage [V]; count\n\n0.1;;3\n0.2;0.30000000000000004;4\n")
    assert (found.names, found.units) == (("t", "voltage", "count"), ("us", "V", ""))
    assert (found.options, found.header) == ({"gain": 2}, 3)
    expected = [[0.1, NAN, 3.0], [0.2, 0.30000000000000004, 4.0]]
    assert np.array_equal(found.numbers(complete="t"), expected, equal_nan=True)


def test_a_column_that_must_be_complete_has_no_gaps() -> None:
    table = read_table(b"t [s],x [V]\n1,2\n2,\n")
    assert np.isnan(table.numbers(complete="t")[1, 1])
    with pytest.raises(ValueError, match=r"^line 3, column 'x': 'nan' is not a finite number such as"):
        table.numbers(complete="x")
