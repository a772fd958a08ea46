import numpy as np
import pytest

from cascade_steering.analysis.records.reading.layout import FileLayout
from cascade_steering.analysis.records.reading.table_reader import TextTable, read_table

NAN = float("nan")


def table(text: bytes) -> TextTable:
    return read_table(text, FileLayout())


def test_a_table_has_named_columns_with_units_and_exact_numbers() -> None:
    found = table(b"# made by hand\n#: gain = 2\nt [us];voltage [V]; count\n\n0.1;;3\n0.2;0.30000000000000004;4\n")
    headings = [(each.name, each.unit) for each in found.dialect.headings]
    assert headings == [("t", "us"), ("voltage", "V"), ("count", "")]
    assert (found.options, found.dialect.header) == ({"gain": 2}, 3)
    expected = [[0.1, NAN, 3.0], [0.2, 0.30000000000000004, 4.0]]
    assert np.array_equal(found.numbers([0, 1, 2], complete=0), expected, equal_nan=True)


def test_a_column_that_must_be_complete_has_no_gaps() -> None:
    found = table(b"t [s],x [V]\n1,2\n2,\n")
    assert np.isnan(found.numbers([0, 1], complete=0)[1, 1])
    with pytest.raises(ValueError, match=r"^line 3, column 'x': 'nan' is not a finite number such as"):
        found.numbers([0, 1], complete=1)
