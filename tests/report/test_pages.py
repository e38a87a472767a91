"""Tables on a page: as they are in their files, sorted and filtered by mouse and by key."""

import json
import re
from pathlib import Path

import pytest

from spokenwords.report import pages

TEMPLATE = (Path(__file__).parents[2] / "workflow/report/tables.html").read_text(encoding="utf-8")
EVIL = "</script><script>alert(1)</script>"
WORDS = [("word", "count"), ("NA", "9"), (EVIL, "10"), ("001", ""), ('犬, "Hund"', "2")]


@pytest.fixture
def write(tmp_path):
    """A function that writes rows to a CSV file, and the page of it and an empty one."""

    def write(rows):
        cells = [[f'"{cell.replace(chr(34), 2 * chr(34))}"' for cell in row] for row in rows]
        file, empty = tmp_path / "words.csv", tmp_path / "none.csv"
        file.write_text("".join(f"{','.join(row)}\n" for row in cells), encoding="utf-8")
        empty.write_text("file,oddity\n")
        tables = {file: ("Words", "All of them."), empty: ("Odd recordings", "")}
        path = tmp_path / "tables.html"
        path.write_text(pages.of_tables(TEMPLATE, "Recordings", tables), encoding="utf-8")
        return path

    return write


def column(page, number):
    return page.locator(f"tbody tr td:nth-child({number})").all_text_contents()


def test_the_page_holds_the_files_as_they_are(write):
    html = write(WORDS).read_text(encoding="utf-8")
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    words, empty = json.loads(data)["tables"]
    assert [words["columns"], *words["rows"]] == [list(row) for row in WORDS]
    assert (words["title"], words["text"]) == ("Words", "All of them.")
    assert (empty["columns"], empty["rows"]) == (["file", "oddity"], [])


def test_pairs_that_did_not_occur_are_left_out(write):
    html = write([("target", "count"), ("up", "0"), ("down", "10"), ("0", "7")]).read_text()
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert json.loads(data)["tables"][0]["rows"] == [["down", "10"], ["0", "7"]]


def test_numbers_are_sorted_as_numbers_and_texts_as_texts(page, write):
    page.goto(write(WORDS).as_uri())
    assert column(page, 1) == [row[0] for row in WORDS[1:]]
    page.get_by_role("button", name="count").click()
    assert column(page, 2) == ["10", "9", "2", ""]
    page.keyboard.press("Enter")
    assert column(page, 2) == ["2", "9", "10", ""]
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("count")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert column(page, 1)[1:3] == ["001", "NA"]
    assert page.get_by_text("No rows.").is_visible()


def test_a_filter_keeps_rows_that_hold_the_text(page, write):
    page.goto(write(WORDS).as_uri())
    page.get_by_role("searchbox", name="Filter: Words").fill("na")
    assert column(page, 1) == ["NA"]
    assert page.get_by_text("1 of 4 rows").is_visible()


def test_many_rows_are_shown_when_they_are_asked_for(page, write):
    page.goto(write([("n",), *((str(n),) for n in range(1234))]).as_uri())
    assert len(column(page, 1)) == 100
    page.get_by_role("button", name="Show all 1,234 rows").click()
    assert len(column(page, 1)) == 1234


@pytest.mark.parametrize("width", [360, 1440])
def test_wide_tables_scroll_in_their_frame(page, write, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(
        write([[f"column {n}" for n in range(40)], [f"value {n}" for n in range(40)]]).as_uri()
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
