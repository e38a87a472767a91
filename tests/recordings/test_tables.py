"""CSV tables whose names are text."""

import numpy as np

from spokenwords.recordings.tables import read_table


def test_names_are_text_and_empty_numbers_are_missing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "word,other,count,share,loud\nNA,,001,,True\n001,NA,2,0.5,False\n,nan,3,1,True\n"
    )
    table = read_table(path, ["word", "other", "absent"])
    assert table["word"].tolist() == ["NA", "001", ""]
    assert table["other"].tolist() == ["", "NA", "nan"]
    assert table["count"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(table["share"], [np.nan, 0.5, 1])
    assert table["loud"].tolist() == [True, False, True]
