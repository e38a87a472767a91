import itertools
import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from spokenwords.evaluation.confusion import OTHERS
from spokenwords.report.plots import alluvial as drawing
from spokenwords.report.plots import alluvial_layout, style

THIRTY = [
    *("bed", "bird", "cat", "dog", "down", "eight", "five", "four", "go", "happy"),
    *("house", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven"),
    *("sheila", "six", "stop", "three", "tree", "two", "up", "wow", "yes", "zero"),
]
ODD = ["a<b", "c&d", '"q"', "it's", "two words", "собака", "犬", "$x^2$", "%{label}", "a/b%2F"]


def table(words, rows):
    """The confusion table whose counts `rows` has, a row a target."""
    return pd.DataFrame(
        [
            (target, prediction, int(count))
            for target, row in zip(words, rows, strict=True)
            for prediction, count in zip(words, row, strict=True)
        ],
        columns=["target", "prediction", "count"],
    )


def many(words, recordings=13_000, seed=0):
    """A table of about `recordings`, a tenth of them confused, some pairs far more than others."""
    generator = np.random.default_rng(seed)
    n = len(words)
    rates = generator.gamma(0.15, 1, (n, n))
    np.fill_diagonal(rates, 0)
    rates *= 0.1 / rates.mean() / n**2
    rates += np.diag(generator.uniform(0.6, 1.4, n) * 0.9 / n)
    return table(words, generator.poisson(rates * recordings))


def counts_of(frame):
    return {(row.target, row.prediction): row.count_ for row in _rows(frame)}


def _rows(frame):
    return frame.rename(columns={"count": "count_"}).itertuples()


def save(figure, folder):
    path = folder / "alluvial.svg"
    style.save(figure, path)
    return path


def shapes(path):
    """The points of each shape in the SVG that has an id with a slash, by this id."""
    found = {}
    for group in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}g"):
        if "/" in group.get("id", ""):
            outline = group.find("{http://www.w3.org/2000/svg}path").get("d")
            numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", outline)]
            found[group.get("id")] = np.array(numbers).reshape(-1, 2)
    return found


def measured(path, recordings):
    """The counts read off the SVG: of ribbons at their left and right ends, and of bars."""
    found = shapes(path)
    bars = {key: np.ptp(points[:, 1]) for key, points in found.items() if "ribbon/" not in key}
    scale = recordings / sum(height for key, height in bars.items() if key.startswith("target/"))
    ends = {}
    for key, points in found.items():
        if key.startswith("ribbon/"):
            _, target, prediction = map(unquote, key.split("/"))
            heights = [np.ptp(points[points[:, 0] == x][:, 1]) for x in _ends(points)]
            ends[target, prediction] = [scale * height for height in heights]
    return ends, {key: scale * height for key, height in bars.items()}


def _ends(points):
    return points[:, 0].min(), points[:, 0].max()


@pytest.mark.parametrize("words", [THIRTY, ODD, ["cat", "dog"]], ids=["30", "odd", "2"])
def test_heights_in_the_svg_are_the_counts(words, tmp_path):
    confusion = many(words)
    counts = counts_of(confusion)
    total = sum(counts.values())
    expected = {pair: count for pair, count in counts.items() if count and count >= total / 1000}
    ends, bars = measured(save(drawing.draw(confusion), tmp_path), total)
    assert set(ends) == set(expected)
    for pair, (left, right) in ends.items():
        assert left == pytest.approx(expected[pair], abs=0.01)
        assert right == pytest.approx(expected[pair], abs=0.01)
    for key, height in bars.items():
        side, word = map(unquote, key.split("/"))
        sums = confusion.groupby(side)["count"].sum()
        assert height == pytest.approx(sums[word], abs=0.01)
    assert len(bars) == 2 * len(words)


def ribbon_words(key: str) -> tuple[str, str]:
    """Target and prediction of a ribbon's id."""
    _, target, prediction = map(unquote, key.split("/"))
    return target, prediction


def test_ids_give_the_words_back(tmp_path):
    ids = [key for key in shapes(save(drawing.draw(many(ODD)), tmp_path)) if "ribbon/" in key]
    pairs = set(map(ribbon_words, ids))
    assert {(word, word) for word in ODD} <= pairs
    assert all(drawing.ribbon_id(*pair) in ids for pair in pairs)
    assert not any(re.search(r"[\s<>&\"']", key) for key in ids)


def test_hidden_share_is_stated(tmp_path):
    # 9 of 10,000 fall below a thousandth, 10 do not.
    confusion = table(["a", "b", "c"], [[4000, 9, 10], [8, 2973, 0], [0, 0, 3000]])
    ends, _ = measured(save(drawing.draw(confusion), tmp_path), 10_000)
    assert set(ends) == {("a", "a"), ("b", "b"), ("c", "c"), ("a", "c")}
    text = (tmp_path / "alluvial.svg").read_text()
    assert (
        "Pairs rarer than 1 in 1,000 are hidden: 0.2\N{NO-BREAK SPACE}% of recordings." in text
    )  # 17 of 10,000
    assert "27 of 10,000 recordings were confused (0.3\N{NO-BREAK SPACE}%)." in text
    assert alluvial_layout.flows(confusion).hidden == 17
    assert alluvial_layout.flows(confusion, smallest_share=0).hidden == 0


def test_hidden_share_of_thirty_words():
    confusion = many(THIRTY)
    counts = confusion["count"].to_numpy()
    share = 100 * counts[counts * 1000 < counts.sum()].sum() / counts.sum()
    assert share > 0.5
    stated = re.search(
        r"hidden: ([\d.]+)\s%", alluvial_layout.summary(alluvial_layout.flows(confusion))
    )
    assert float(stated[1]) == pytest.approx(share, abs=0.051)


def test_pairs_that_do_not_occur_draw_nothing(tmp_path):
    confusion = table(["a", "b", "c"], [[50, 0, 0], [3, 40, 0], [7, 0, 0]])
    ends, bars = measured(save(drawing.draw(confusion, smallest_share=0), tmp_path), 100)
    assert set(ends) == {("a", "a"), ("b", "a"), ("b", "b"), ("c", "a")}
    assert bars["prediction/c"] == pytest.approx(0)
    assert "All pairs are shown." in (tmp_path / "alluvial.svg").read_text()


def test_single_word(tmp_path):
    confusion = table(["cat"], [[40]])
    ends, _ = measured(save(drawing.draw(confusion), tmp_path), 40)
    assert ends == {("cat", "cat"): [pytest.approx(40), pytest.approx(40)]}
    assert [ribbon["text"] for ribbon in page_data(confusion)["ribbons"]] == [
        "40 recordings of “cat” were recognised (100.0\N{NO-BREAK SPACE}% of “cat”)"
    ]


def test_nothing_to_count():
    with pytest.raises(ValueError, match="no recording"):
        alluvial_layout.flows(table(["a", "b"], [[0, 0], [0, 0]]))


def test_order_within_and_across_sides():
    plan = alluvial_layout.flows(many(THIRTY))
    assert [bar.word for bar in plan.predictions] == [bar.word for bar in plan.targets]
    place = {bar.word: i for i, bar in enumerate(plan.targets)}
    for strata, side, other, end in (
        (plan.predictions, "prediction", "target", "left"),
        (plan.targets, "target", "prediction", "right"),
    ):
        assert all(above.y1 < below.y0 for above, below in itertools.pairwise(strata))
        for bar in strata:
            ribbons = [ribbon for ribbon in plan.ribbons if getattr(ribbon, side) == bar.word]
            ribbons.sort(key=lambda ribbon: place[getattr(ribbon, other)])
            y = bar.y0
            for ribbon in ribbons:
                assert getattr(ribbon, end) == pytest.approx((y, y + ribbon.count))
                y += ribbon.count
            assert y <= bar.y1 + 1e-6


def test_words_confused_most_stand_side_by_side():
    rows = 100 * np.eye(6, dtype=int)
    rows[0, 4] = rows[3, 1] = 20
    plan = alluvial_layout.flows(table(list("abcdef"), rows))
    order = "".join(bar.word for bar in plan.targets)
    assert {"ae" in order or "ea" in order, "bd" in order or "db" in order} == {True}
    assert order.endswith("cf")  # nothing is confused with these


def test_confusions_are_dark_and_above_light_correct_flows(tmp_path):
    path = save(drawing.draw(many(THIRTY)), tmp_path)
    pairs = [ribbon_words(key) for key in shapes(path) if key.startswith("ribbon/")]
    correct = [target == prediction for target, prediction in pairs]
    assert correct == sorted(correct, reverse=True)

    def lightness(colour):
        return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) / (3 * 255)

    assert lightness(drawing.CORRECT) > 0.8
    assert lightness(drawing.CONFUSED) < 0.35


def test_thirty_words_are_legible_at_1200_pixels():
    figure = drawing.draw(many(THIRTY))
    figure.draw_without_rendering()
    assert figure.get_figwidth() * 100 == 1200
    labels = [text for text in figure.axes[0].texts if text.get_text() in THIRTY]
    assert len(labels) == 60
    boxes = [text.get_window_extent() for text in labels]
    assert min(box.height for box in boxes) >= 9
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= 1200
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def page_data(*arguments, **options):
    """What the page shows, as its script reads it."""
    return json.loads(drawing.page("{{data}}", *arguments, **options))


def test_the_page_counts_everything():
    confusion = many(THIRTY)
    counts = counts_of(confusion)
    spoken = confusion.groupby("target")["count"].sum()
    total = sum(counts.values())
    data = page_data(confusion, note="A note.")
    assert data["summary"] == f"A note. {alluvial_layout.summary(alluvial_layout.flows(confusion))}"
    expected = set()
    for (target, prediction), count in counts.items():
        if count and count >= total / 1000:
            fate = "recognised" if target == prediction else f"predicted as “{prediction}”"
            share = f"({100 * count / spoken[target]:.1f}\N{NO-BREAK SPACE}% of “{target}”)"
            expected.add(f"{count} recordings of “{target}” were {fate} {share}")
    assert {ribbon["text"] for ribbon in data["ribbons"]} == expected


def test_heights_on_the_page_are_the_counts():
    # Nothing is ever predicted as b or c, and no recording of d is there.
    rows = [[90, 0, 0, 10], [60, 0, 0, 0], [5, 0, 0, 35], [0, 0, 0, 0]]
    data = page_data(table(list("abcd"), rows))
    heights = {(bar["side"], bar["label"]): np.ptp(bar["y"]) for bar in data["bars"]}
    assert heights == {
        **{(0, "a"): 155, (0, "b"): 0, (0, "c"): 0, (0, "d"): 45},
        **{(1, "a"): 100, (1, "b"): 60, (1, "c"): 40, (1, "d"): 0},
    }
    ends = [(np.ptp(r["left"]), np.ptp(r["right"]), r["correct"]) for r in data["ribbons"]]
    assert ends == [(90, 90, True), *((n, n, False) for n in (60, 35, 10, 5))]


def test_the_page_where_every_pair_is_hidden():
    data = page_data(many(THIRTY), smallest_share=0.5)
    assert data["summary"].endswith("hidden: 100.0\N{NO-BREAK SPACE}% of recordings.")
    assert data["ribbons"] == [] and len(data["bars"]) == 60


def test_the_unknown_total_of_other_words_is_not_shown():
    shown = table(["a", "c", OTHERS], [[90, 10, 0], [0, 70, 7], [1, 0, 0]])
    flows = alluvial_layout.flows(shown, 0)
    assert alluvial_layout.summary(flows).startswith("18 of these 178 recordings were confused")
    assert {bar.word: bar.share for bar in flows.targets}[OTHERS] == "–"
    texts = [shape["text"] for kind in ("ribbons", "bars") for shape in page_data(shown, 0)[kind]]
    assert "1 recording of other words, predicted as one of the words shown" in texts
    assert "7 recordings of the words shown, predicted as other words" in texts
    assert not any(f"% of “{OTHERS}”" in text for text in texts)


def test_many_words_are_not_arranged():
    words = [f"{number:03}" for number in range(alluvial_layout.MOST_ARRANGED + 1)]
    rows = [(t, p, 9 if t == p else int(t == "000")) for t in words for p in words]
    table = pd.DataFrame(rows, columns=["target", "prediction", "count"])
    assert [stratum.word for stratum in alluvial_layout.flows(table, 0).targets] == words
