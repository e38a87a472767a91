"""Pages as a browser shows them: harmless whatever words and files are called, and quiet."""

import pandas as pd

from spokenwords.plots import alluvial

# What would tell if it were run, written as a text or within an attribute.
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


def test_words_that_are_markup_are_shown_as_text(page, tmp_path):
    path = tmp_path / "alluvial.html"
    path.write_text(alluvial.interactive(confusion_of(EVIL)), encoding="utf-8")
    page.goto(path.as_uri())
    # Long words are cut off.
    page.get_by_text("<script>al").first.wait_for()
    box = page.locator("#alluvial .main-svg").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 10)
    page.locator(".hoverlayer text").first.wait_for()
    assert page.locator("#alluvial script, #alluvial img, #alluvial [onload]").count() == 0


def test_the_report_is_quiet_with_evil_names_in_its_tables(page, finished, tmp_path):
    copy = finished.duplicate(tmp_path / "copy")
    recordings = copy.results / "recordings"
    for name in ("oddities", "duplicates"):
        table = pd.read_csv(recordings / f"{name}.csv")
        rows = pd.DataFrame({column: EVIL for column in table.columns})
        pd.concat([table.astype(object), rows]).to_csv(recordings / f"{name}.csv", index=False)
    for run in ("complex", "mel"):
        confusion_of(EVIL).to_csv(copy.results / f"runs/{run}/confusion.csv", index=False)
    assert set(copy.plan()) == {"plot_confusion", "plot_alluvial", "html_report"}
    copy.run()
    page.goto((copy.results / "report.html").as_uri())
    page.get_by_text("Data", exact=True).first.click()
    page.get_by_text("Other", exact=True).first.click()
    page.get_by_text("identical recordings").first.wait_for()
