"""Pages and plots as a browser shows them: whole, quiet, harmless whatever words are called."""

import base64

import pandas as pd
import pytest
from copies import REPOSITORY

from spokenwords.report.plots import alluvial

# What would be noticed if it were run, written as a text or within an attribute.
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><svg onload=alert(1)>",
]


def confusion_of(words):
    pairs = [(target, prediction) for target in words for prediction in words]
    table = pd.DataFrame(pairs, columns=["target", "prediction"])
    table["count"] = [3 if target == prediction else 1 for target, prediction in pairs]
    return table


@pytest.fixture
def open_alluvial(page, tmp_path):
    """A function that opens the alluvial plot of these words, and returns the page."""

    def open_alluvial(words):
        path = tmp_path / "alluvial.html"
        template = (REPOSITORY / "workflow/report/alluvial.html").read_text(encoding="utf-8")
        path.write_text(alluvial.page(template, confusion_of(words)), encoding="utf-8")
        page.goto(path.as_uri())
        return page

    return open_alluvial


def test_words_that_are_markup_are_shown_as_text(open_alluvial):
    page = open_alluvial(EVIL)
    # Long words are cut off.
    assert page.locator(".word").all_inner_texts().count("<script>ale…") == 2
    one, _, other = EVIL
    text = f"1 recording of “{one}” was predicted as “{other}” (20.0\N{NO-BREAK SPACE}% of “{one}”)"
    assert text in page.locator("#plot path title").all_text_contents()
    assert page.locator("#plot script, #plot img, #plot [onload]").count() == 0


def test_the_alluvial_plot_shows_counts_by_mouse_and_by_key(open_alluvial):
    page = open_alluvial(["cat", "dog"])
    count, plot = page.locator("#count"), page.locator("svg")
    assert count.inner_text().startswith("Point at a flow")
    confused = "1 recording of “{}” was predicted as “{}” (25.0\N{NO-BREAK SPACE}% of “{}”)"
    page.keyboard.press("Tab")
    assert count.inner_text() == confused.format("cat", "dog", "cat")
    focused = page.locator("path:focus-visible")
    ring = focused.evaluate("path => [getComputedStyle(path).stroke, path.textContent]")
    assert ring == ["rgb(0, 103, 163)", count.inner_text()]
    page.keyboard.press("ArrowDown")
    assert count.inner_text() == confused.format("dog", "cat", "dog")
    page.keyboard.press("End")
    assert count.inner_text() == ("4 recordings of “dog”, 3 recognised (75.0\N{NO-BREAK SPACE}%)")
    # The topmost stream is that of the first word's recordings that were recognised.
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 20)
    assert count.inner_text().startswith("3 recordings of “cat” were recognised")
    page.mouse.move(0, 0)
    assert count.inner_text().startswith("4 recordings of “dog”")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_alluvial_plot_fits_and_can_be_read(open_alluvial, page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    words = [f"word number {n}" for n in range(30)]
    open_alluvial(words)
    assert overflow(page) <= 0
    labels = page.evaluate(LABELS)
    assert len(labels) == 60
    for left, right, height, contrast in labels:
        assert 0 <= left < right <= width
        assert height >= 11 and contrast >= 4.5
    assert page.locator("svg").bounding_box()["width"] > width / 4


# Where the texts of a plot are, and whether any is cut off by the plot's edges.
TEXTS = """() => {
  const edges = document.documentElement.getBoundingClientRect();
  const cut = [...document.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < edges.left - 1 || box.right > edges.right + 1
      || box.top < edges.top - 1 || box.bottom > edges.bottom + 1;
  });
  return {width: edges.width, cut: cut.map(text => text.textContent)};
}"""


# Of each label of the alluvial plot its edges, its letters' size, and its contrast (WCAG 2.2).
LABELS = """() => {
  const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, value, i) => {
    const c = value / 255;
    return sum + [.2126, .7152, .0722][i] * (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
  }, .05);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll(".word")].map(word => {
    const box = word.getBoundingClientRect(), style = getComputedStyle(word);
    const [a, b] = [light(style.color), paper].sort((a, b) => b - a);
    return [box.left, box.right, parseFloat(style.fontSize), a / b];
  });
}"""


def overflow(page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("width", [360, 1440])
def test_every_plot_fits_into_its_window(page, compared, width):
    page.set_viewport_size({"width": width, "height": 900})
    plots = sorted(compared.results.rglob("*.svg"))
    assert len(plots) >= 28
    for path in plots:
        page.goto(path.as_uri())
        found = page.evaluate(TEXTS)
        assert 0 < found["width"] <= width, path
        assert found["cut"] == [], path


@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_fits_into_its_window(page, compared, width):
    page.set_viewport_size({"width": width, "height": 900})
    pages = sorted(compared.results.rglob("*.html"))
    names = {path.name for path in pages}
    assert names == {
        "report.html",
        "comparison.html",
        "tables.html",
        "gallery.html",
        "alluvial.html",
    }
    for path in pages:
        page.goto(path.as_uri())
        page.wait_for_function("document.body.innerText.length > 20")
        assert overflow(page) <= 0, path


RUNS = ["complex", "mel", "power-seed1", "power-seed2"]
# The groups of each category; none where it has no groups.
REPORTS = {
    "report.html": {
        **{"Data": [], "Features": []},
        **dict.fromkeys(("Training", "Evaluation"), RUNS[:2]),
    },
    "comparison.html": {
        **{"Comparison": [], "Data": [], "Features": []},
        **dict.fromkeys(("Training", "Evaluation"), RUNS),
    },
}


@pytest.mark.parametrize("name", REPORTS)
def test_everything_that_a_report_lists_can_be_seen(page, compared, name):
    page.goto((compared.results / name).as_uri())
    menu = page.locator("#app")
    menu.get_by_text("30 recordings of 3 words").wait_for()
    for category, groups in REPORTS[name].items():
        for group in groups or [None]:
            page.reload()
            menu.get_by_text(category, exact=True).first.click()
            if group:
                menu.get_by_text(group, exact=True).first.click()
            results = page.locator("a[iconname=eye]")
            results.first.wait_for()
            for number in range(results.count()):
                look_at(page, results.nth(number))


def look_at(page, result):
    """Click a result of the report, and see that it is there; of a CSV file, that it has rows."""
    address = result.get_attribute("href")
    if address.startswith("data:text/csv"):
        assert len(base64.b64decode(address.partition("base64,")[2]).splitlines()) > 1
        return
    result.click()
    page.wait_for_function(
        """() => [...document.querySelectorAll("#app img, #app iframe")].some(
             shown => (shown.naturalWidth || shown.clientWidth) > 300)"""
    )


@pytest.mark.parametrize("width", [360, 1440])
def test_the_opening_page_can_be_read_whole(page, compared, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((compared.results / "comparison.html").as_uri())
    title = page.get_by_role("heading", name="Spoken words from complex spectrograms").first
    title.wait_for()
    if width == 360:  # The menu lies over the page, and can be closed.
        page.locator("#app a[type=button]").nth(1).click()
    page.wait_for_function("document.querySelector('.document').getBoundingClientRect().left > 0")
    box = page.locator(".document").bounding_box()
    # What is above or left of the window cannot be scrolled to.
    assert box["x"] >= 0 and box["y"] >= 0
    assert box["x"] + box["width"] <= width


def test_the_report_is_quiet_with_evil_names_in_its_tables(page, finished, tmp_path):
    copy = finished.duplicate(tmp_path / "copy")
    recordings = copy.results / "recordings"
    for name in ("oddities", "duplicates"):
        table = pd.read_csv(recordings / f"{name}.csv")
        rows = pd.DataFrame({column: EVIL for column in table.columns})
        pd.concat([table.astype(object), rows]).to_csv(recordings / f"{name}.csv", index=False)
    for run in ("complex", "mel"):
        confusion_of(EVIL).to_csv(copy.results / f"runs/{run}/confusion.csv", index=False)
    assert set(copy.plan()) == {
        *("tabulate_recordings", "plot_recordings", "tabulate_run"),
        *("plot_confusion", "plot_alluvial", "html_report"),
    }
    copy.run()
    page.goto((copy.results / "report.html").as_uri())
    page.get_by_text("Data", exact=True).first.click()
    page.get_by_text("words, odd and identical recordings").first.wait_for()
    page.goto((recordings / "tables.html").as_uri())
    # In two columns of odd recordings and three of identical ones.
    assert page.get_by_role("cell", name=EVIL[0], exact=True).count() == 5
