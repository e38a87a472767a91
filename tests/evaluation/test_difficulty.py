"""Error rates over properties, and the model of all of them, on errors made with known chances."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from spokenwords.errors import UserError
from spokenwords.evaluation import difficulty, difficulty_model
from spokenwords.evaluation.difficulty import NOT_MEASURED, PROPERTIES
from spokenwords.evaluation.difficulty_model import TOGETHER
from spokenwords.report.plots import style
from spokenwords.report.plots.difficulty import difficulty as plot

NAMES = [item.name for item in PROPERTIES]


def made(count=2000, seed=0, **columns):
    """Recordings as `difficulty.join` gives them, whose properties have nothing to do with errors.

    A function of a column is given the table so far.
    """
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "level_dbfs": random.normal(-22, 8, count),
            "snr_db": random.normal(37, 13, count),
            "voiced_seconds": random.gamma(5, 0.05, count),
            "onset_seconds": random.uniform(0, 0.8, count),
            "centroid_hz": 800 * 2 ** random.normal(0, 0.7, count),
            "bandwidth_hz": 600 * 2 ** random.normal(0, 0.8, count),
            "recordings_of_speaker_in_training": random.poisson(6, count),
            "clipped_samples": np.where(random.random(count) < 0.1, random.poisson(9, count), 0),
            "cut_at_start": random.random(count) < 0.1,
            "cut_at_end": random.random(count) < 0.1,
        }
    ).astype(float)
    table["speaker"] = [f"speaker {number // 2}" for number in range(count)]
    table["wrong"] = (random.random(count) < 0.3).astype(float)
    for name, column in columns.items():
        table[name] = column(table) if callable(column) else column
    return table


def wrong_with(log_odds, seed=1):
    """Errors with the chance that `log_odds`, a function of the table, gives."""

    def draw(table):
        chance = 1 / (1 + np.exp(-log_odds(table)))
        return (np.random.default_rng(seed).random(len(table)) < chance).astype(float)

    return draw


def standardised(column):
    return (column - column.median()) / column.std()


def effect(model, name, kind):
    [row] = model[(model["property"] == name) & (model["effect"] == kind)].itertuples()
    return row


def note(model, name):
    [text] = model.loc[model["property"] == name, "note"].unique()
    return text


def of(table, name):
    return table[table["property"] == name].reset_index(drop=True)


def predictions(files, wrong):
    columns = {"file": files, "speaker": "NA", "target": "NA"}
    return pd.DataFrame(columns | {"prediction": np.where(wrong, "null", "NA")})


def measured(files, **columns):
    table = made(len(files)).drop(columns=["speaker", "wrong"])
    table = table.astype(dict.fromkeys(["cut_at_start", "cut_at_end"], "boolean"))
    return table.assign(file=files, **columns)


# Joining.


def test_predictions_and_properties_are_joined_by_file():
    files = ["NA/001.wav", "NA/$<b>犬.wav", "NA/,.wav"]
    flags = pd.array([True, None, False], dtype="boolean")
    properties = measured(files, level_dbfs=[-10.0, np.nan, -30.0], cut_at_end=flags)
    joined = difficulty.join(predictions(files, [True, False, True])[::-1], properties)
    assert list(joined["wrong"]) == [1, 0, 1]
    np.testing.assert_equal(joined["level_dbfs"].to_numpy(), [-30, np.nan, -10])
    np.testing.assert_equal(joined["cut_at_end"].to_numpy(), [0, np.nan, 1])


def test_recordings_that_were_not_measured_are_reported():
    with pytest.raises(UserError, match=r"for 1 recording .*b\.wav"):
        difficulty.join(predictions(["a.wav", "b.wav"], [0, 1]), measured(["a.wav"]))


# Rates.


@pytest.mark.parametrize(
    ("errors", "count", "low", "high"),
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in
    # Medicine 17, 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_of_independent_recordings_are_wilsons(errors, count, low, high):
    wrong = (np.arange(count) < errors).astype(float)
    table = made(count, cut_at_end=1.0, wrong=wrong, speaker=range(count))
    [row] = of(difficulty.rates(table), "cut_at_end").itertuples()
    assert (row.recordings, row.errors, row.group) == (count, errors, "yes")
    assert row.error_rate == errors / count
    assert (row.interval_low, row.interval_high) == pytest.approx((low, high), abs=5e-5)


def test_groups_are_equally_large_and_cover_everything():
    rates = difficulty.rates(made(1600))
    groups = of(rates, "level_dbfs")
    assert list(groups["recordings"]) == [200] * 8
    assert (groups["low"] <= groups["median"]).all() and (groups["median"] <= groups["high"]).all()
    assert (groups["high"].to_numpy()[:-1] < groups["low"].to_numpy()[1:]).all()
    assert (rates.groupby("property")["recordings"].sum() == 1600).all()
    assert rates.groupby("property")["errors"].sum().nunique() == 1
    assert set(rates["property"]) == set(NAMES)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, [1]), (30, [30]), (60, [30, 30]), (110, [28, 28, 54])]
)
def test_few_recordings_make_fewer_groups(count, sizes):
    groups = of(difficulty.rates(made(count)), "snr_db")
    assert sum(groups["recordings"]) == count
    assert len(groups) == max(1, count // 25)
    assert groups["recordings"].min() >= min(count, 25)


@pytest.mark.parametrize("clipped", [3, 12, 40])
def test_what_most_recordings_have_alike_is_a_group_of_its_own(clipped):
    samples = np.r_[np.zeros(500), np.arange(1, clipped + 1)]
    groups = of(difficulty.rates(made(len(samples), clipped_samples=samples)), "clipped_samples")
    assert list(groups["recordings"]) == [500, clipped]
    assert list(groups["group"]) == ["0", f"1 to {clipped}"]


@pytest.mark.parametrize(("count", "flagged"), [(24, 1), (24, 23), (2, 1), (1000, 30), (1000, 970)])
def test_flags_are_never_merged(count, flagged):
    flags = (np.arange(count) < flagged).astype(float)
    wrong = (np.arange(count) % 2).astype(float)
    groups = of(difficulty.rates(made(count, cut_at_end=flags, wrong=wrong)), "cut_at_end")
    assert list(groups["group"]) == ["no", "yes"]
    assert list(groups["recordings"]) == [count - flagged, flagged]
    assert list(groups["errors"]) == [count // 2 - flagged // 2, flagged // 2]


def test_recordings_of_one_speaker_do_not_widen_what_is_known():
    """Fifty recordings, of ten speakers who are each recognised always or never."""
    wrong = np.repeat([0.0, 1.0], 25)
    speakers = np.repeat(np.arange(10), 5)
    few = made(50, cut_at_end=1.0, wrong=wrong, speaker=speakers)
    many = made(50, cut_at_end=1.0, wrong=wrong, speaker=range(50))
    [few], [many] = (
        of(difficulty.rates(table), "cut_at_end").itertuples() for table in (few, many)
    )
    # Recordings of a speaker are all alike here, so one of each has the same information.
    alone = made(10, cut_at_end=1.0, wrong=wrong[::5], speaker=range(10))
    [ten] = of(difficulty.rates(alone), "cut_at_end").itertuples()
    assert many.interval_high - many.interval_low < 0.3 < ten.interval_high - ten.interval_low
    assert few.interval_low < ten.interval_low and few.interval_high > ten.interval_high


def test_equal_values_are_in_one_group():
    values = np.repeat([1.0, 2.0, 3.0], [300, 10, 290])
    groups = of(difficulty.rates(made(600, voiced_seconds=values)), "voiced_seconds")
    assert list(groups["group"]) == ["1.00", "2.00 to 3.00"]


def test_groups_in_words():
    values = np.repeat([-1234.56, -20.0, 5.04], 40)
    groups = of(difficulty.rates(made(120, level_dbfs=values)), "level_dbfs")
    assert list(groups["group"]) == ["−1,234.6", "−20.0", "5.0"]
    assert list(of(difficulty.rates(made(100)), "cut_at_start")["group"]) == ["no", "yes"]
    ends = of(difficulty.rates(made(50, centroid_hz=np.arange(1000.0, 1050))), "centroid_hz")
    assert list(ends["group"]) == ["1,000 to 1,024", "1,025 to 1,049"]


def test_what_was_not_measured_is_a_group():
    table = made(100, wrong=np.r_[np.ones(10), np.zeros(90)])
    table.loc[:6, "snr_db"] = np.nan
    last = of(difficulty.rates(table), "snr_db").iloc[-1]
    assert (last["group"], last["recordings"], last["errors"]) == (NOT_MEASURED, 7, 7)
    assert np.isnan(last["low"])


def test_a_constant_is_one_group():
    [row] = of(difficulty.rates(made(100, onset_seconds=0.25)), "onset_seconds").itertuples()
    assert (row.group, row.recordings, row.low, row.high) == ("0.25", 100, 0.25, 0.25)


# The model.


def test_known_odds_ratios_are_found():
    def log_odds(table):
        level = standardised(table["level_dbfs"])
        centroid = standardised(np.log2(table["centroid_hz"]))
        known = standardised(np.log2(table["recordings_of_speaker_in_training"] + 1))
        return (
            np.log(3) * (-level).clip(lower=0)
            + np.log(0.5) * centroid.clip(lower=0)
            + np.log(0.7) * known
            + np.log(2.5) * table["cut_at_end"]
            - 1
        )

    model = difficulty_model.fit(made(12_000, wrong=wrong_with(log_odds)))
    truth = {
        ("level_dbfs", "below"): 3,
        ("centroid_hz", "above"): 0.5,
        ("recordings_of_speaker_in_training", "below"): 1 / 0.7,
        ("recordings_of_speaker_in_training", "above"): 0.7,
        ("cut_at_end", "present"): 2.5,
    }
    fitted = model.dropna(subset="odds_ratio")
    assert len(fitted) == 7 * 2 + 3
    for row in fitted.itertuples():
        expected = truth.get((row.property, row.effect), 1)
        assert row.odds_ratio == pytest.approx(expected, rel=0.2)
        # Within the width of its interval, about four standard errors.
        assert abs(np.log(row.odds_ratio / expected)) < np.log(row.interval_high / row.interval_low)
    matter = set(model.loc[model["property_p_value"] < 0.001, "property"])
    assert matter == {name for name, _ in truth}
    assert (model["property_p_value"].dropna().diff().dropna() >= 0).all()


def test_standard_deviations_have_units():
    table = made()
    model = difficulty_model.fit(table)
    octaves = np.log2(table["centroid_hz"]).std()
    doublings = np.log2(table["recordings_of_speaker_in_training"] + 1).std()
    for name, unit, deviation in (
        ("level_dbfs", "dBFS", table["level_dbfs"].std()),
        ("centroid_hz", "octaves", octaves),
        ("recordings_of_speaker_in_training", "doublings", doublings),
    ):
        row = effect(model, name, "above")
        assert (row.unit, row.standard_deviation) == (unit, pytest.approx(deviation))
        assert row.median == table[name].median()


def test_what_is_hard_at_both_ends_is_found():
    def log_odds(table):
        return standardised(table["onset_seconds"]).abs() - 2

    table = made(wrong=wrong_with(log_odds))
    model = difficulty_model.fit(table)
    for kind in ("below", "above"):
        assert effect(model, "onset_seconds", kind).interval_low > 1.5
    # As a trend it would not be: it rises as much as it falls.
    assert abs(np.corrcoef(table["onset_seconds"], table["wrong"])[0, 1]) < 0.05


def test_what_only_goes_with_a_cause_is_found_out():
    def like_the_level(table):
        random = np.random.default_rng(2).normal(size=len(table))
        return 40 + 10 * (0.9 * standardised(table["level_dbfs"]) + 0.44 * random)

    def log_odds(table):
        return -standardised(table["level_dbfs"]) - 1

    table = made(snr_db=like_the_level, wrong=wrong_with(log_odds))
    groups = of(difficulty.rates(table), "snr_db")
    assert groups["interval_low"].iloc[0] > 2 * groups["interval_high"].iloc[-1]
    model = difficulty_model.fit(table)
    assert effect(model, "level_dbfs", "below").property_p_value < 1e-6
    assert effect(model, "snr_db", "below").property_p_value > 0.05


def test_recordings_of_one_speaker_do_not_count_as_independent():
    once = made(1000, speaker=[str(number) for number in range(1000)])
    again = pd.concat([once] * 4, ignore_index=True)
    one, four = difficulty_model.fit(once), difficulty_model.fit(again)
    for row in one.dropna(subset="odds_ratio").itertuples():
        same = effect(four, row.property, row.effect)
        assert same.odds_ratio == pytest.approx(row.odds_ratio, rel=0.05)
        widths = [np.log(each.interval_high / each.interval_low) for each in (row, same)]
        assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_the_account_of_the_whole_model():
    nothing = note(difficulty_model.fit(made()), TOGETHER)
    assert "of 1,000 speakers" in nothing
    assert float(nothing.partition("curve is ")[2][:4]) == pytest.approx(0.5, abs=0.05)

    # Of two normal distributions, d apart, the area is Φ(d / √2): 0.921 for d = 2.
    wrong = np.arange(2000) % 2
    level = np.random.default_rng(3).normal(-20 - 2.0 * wrong, 1)
    account = note(
        difficulty_model.fit(made(level_dbfs=level, wrong=wrong.astype(float))), TOGETHER
    )
    assert account.startswith("1,000 errors in 2,000 recordings")
    assert float(account.partition("curve is ")[2][:4]) == pytest.approx(0.921, abs=0.02)


@pytest.mark.parametrize("errors", [100, 169])
def test_with_fewer_errors_effects_are_straight(errors):
    model = difficulty_model.fit(made(wrong=(np.arange(2000) < errors).astype(float)))
    assert set(model.dropna(subset="odds_ratio")["effect"]) == {"rising", "present"}
    assert len(model) == len(NAMES) + 1


@pytest.mark.parametrize("wrong", [0, 1, 99, 2000 - 99, 2000])
def test_with_few_errors_or_few_right_there_is_no_model(wrong):
    model = difficulty_model.fit(made(wrong=(np.arange(2000) < wrong).astype(float)))
    assert model["odds_ratio"].isna().all()
    assert set(model["property"]) == {*NAMES, TOGETHER}
    kind = "errors" if wrong < 1000 else "correct answers"
    assert f"too few {kind}, {min(wrong, 2000 - wrong)} of the" in note(model, TOGETHER)


def test_a_property_that_is_missing_for_all_leaves_the_others():
    """Recordings whose names do not contain a speaker have unknown ones."""
    louder = wrong_with(lambda table: (table["level_dbfs"] > -22) * 2 - 1)
    complete, unknown = made(wrong=louder), made(wrong=louder)
    unknown["recordings_of_speaker_in_training"] = np.nan
    model = difficulty_model.fit(unknown)
    assert note(model, "recordings_of_speaker_in_training") == "never measured"
    assert "unknown speakers" in note(model, TOGETHER)
    assert "unknown speakers" not in note(difficulty_model.fit(complete), TOGETHER)
    assert effect(model, "level_dbfs", "above").odds_ratio > 1.5
    assert effect(model, "level_dbfs", "above").p_value < 0.001
    rates = difficulty.rates(unknown)
    of_speakers = rates[rates["property"] == "recordings_of_speaker_in_training"]
    assert of_speakers[["group", "recordings"]].values.tolist() == [["not measured", 2000]]


def test_properties_that_cannot_be_fitted_have_a_note():
    def none_wrong_that_are_clipped(table):
        return table["wrong"].where(np.arange(len(table)) >= 12, 0.0)

    model = difficulty_model.fit(
        made(
            recordings_of_speaker_in_training=0.0,
            clipped_samples=np.r_[np.full(12, 5.0), np.zeros(1988)],
            wrong=none_wrong_that_are_clipped,
            cut_at_start=np.r_[np.ones(9), np.zeros(1991)],
            cut_at_end=lambda table: table["wrong"],
            centroid_hz=lambda table: 2 * table["bandwidth_hz"],
            voiced_seconds=lambda table: np.where(table["wrong"] == 1, 0.1, 0.2),
            onset_seconds=lambda table: table["onset_seconds"] * (1 - 0.8 * table["wrong"]),
        )
    )
    assert note(model, "recordings_of_speaker_in_training") == "the same for all recordings"
    assert note(model, "clipped_samples") == "all 12 recordings with it were correct"
    assert note(model, "cut_at_start") == "only 9 recordings differ"
    assert "recordings with it were wrong" in note(model, "cut_at_end")
    assert note(model, "bandwidth_hz") == "determined by the other properties"
    assert "the median" in note(model, "voiced_seconds")
    assert note(model, "onset_seconds").endswith("above the median were correct")
    for name in ("level_dbfs", "snr_db", "centroid_hz"):
        assert effect(model, name, "above").p_value > 0
        assert note(model, name) == ""


def separated_by_a_line(table):
    return (standardised(table["level_dbfs"]) > standardised(table["snr_db"])).astype(float)


def separated_where_two_flags_differ(table):
    start, end = table["cut_at_start"], table["cut_at_end"]
    return table["wrong"].where(start == end, (start > end).astype(float))


@pytest.mark.parametrize("wrong", [separated_by_a_line, separated_where_two_flags_differ])
def test_errors_that_several_properties_determine_together(wrong):
    flags = {
        "cut_at_start": lambda table: np.arange(len(table)) % 5 < 2,
        "cut_at_end": lambda table: np.arange(len(table)) % 5 % 2,
    }
    model = difficulty_model.fit(made(**flags, wrong=wrong).astype(dict.fromkeys(flags, float)))
    assert note(model, TOGETHER) == "No model: the fit does not converge."
    assert model["odds_ratio"].isna().all()


def three_flags(**columns):
    """Recordings that differ in three properties at most."""
    return made(**dict.fromkeys(NAMES[:7], 1.0) | columns)


def test_p_values_are_adjusted_by_holms_method():
    def log_odds(table):
        return 0.3 * table["cut_at_end"] + 0.4 * table["cut_at_start"] - 1

    model = difficulty_model.fit(three_flags(wrong=wrong_with(log_odds)))
    fitted = model.dropna(subset="odds_ratio")
    first, second, third = fitted["p_value"]
    assert first < second < third
    adjusted = 3 * first, max(3 * first, 2 * second), max(3 * first, 2 * second, third)
    assert list(fitted["property_p_value"]) == pytest.approx(adjusted)


def test_few_speakers_make_wide_intervals():
    speakers = (np.arange(2000) % 8).astype(str)
    model = difficulty_model.fit(three_flags(speaker=speakers))
    row = effect(model, "cut_at_end", "present")
    # Student's t with one degree of freedom less than there are speakers, as Cameron and Miller
    # (2015) advise.
    distribution = scipy.stats.t(7)
    error = np.log(row.interval_high / row.interval_low) / 2 / distribution.ppf(0.975)
    expected = 2 * distribution.sf(abs(np.log(row.odds_ratio)) / error)
    assert row.p_value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("speakers", "expected"),
    [
        (1, "of 1 speaker. With so few speakers the intervals treat recordings as independent"),
        (5, "With so few speakers the intervals treat recordings as independent, and are rough."),
        (25, "With so few speakers the intervals are rough."),
    ],
)
def test_few_speakers_have_a_note(speakers, expected):
    names = np.array(["NA", "", "001", "$x$", "<b>", *map(str, range(20))])
    model = difficulty_model.fit(
        made(speaker=lambda table: names[np.arange(len(table)) % speakers])
    )
    assert model["odds_ratio"].notna().any()
    assert expected in note(model, TOGETHER)
    assert ("ROC" in note(model, TOGETHER)) == (speakers > 1)


def test_recordings_without_values_are_left_out():
    table = made()
    table.loc[:99, "snr_db"] = np.nan
    account = note(difficulty_model.fit(table), TOGETHER)
    assert "in 1,900 recordings" in account
    assert "Left out: 100 recordings with a missing property." in account


def test_a_few_known_speakers_do_not_cost_the_model():
    """It is fitted without them if the recordings of others are needed, and else with them."""
    name = "recordings_of_speaker_in_training"
    for unknown, fitted in ((1900, 2000), (100, 1900)):
        table = made()
        table.loc[: unknown - 1, name] = np.nan
        model = difficulty_model.fit(table)
        assert f"in {fitted:,} recordings" in note(model, TOGETHER)
        left_out = fitted == 2000
        assert note(model, name) == ("unknown for 1,900 recordings" if left_out else "")
        assert ("1,900 have unknown speakers: each" in note(model, TOGETHER)) == left_out


def test_where_nothing_was_measured_there_is_no_model():
    table = made(200)
    table["onset_seconds"] = np.nan
    model = difficulty_model.fit(table)
    assert note(model, TOGETHER) == "No model: no recording was measured."
    assert note(model, "level_dbfs") == "never measured"


# The plot, and what must not trip anything up.


def markers(odds):
    return [line for line in odds.lines if line.get_marker() in ("<", ">", "D")]


def nothing_known(count):
    return made(count, **dict.fromkeys(NAMES, np.nan))


CASES = {
    "real": made(1200),
    "bent": made(wrong=wrong_with(lambda table: -standardised(table["level_dbfs"]) - 1)),
    "straight": made(400),
    "no model": made(40),
    "one": made(1),
    "all right": made(100, wrong=0.0),
    "all wrong": made(100, wrong=1.0),
    "nothing known": nothing_known(50),
    "all constant": made(500, **dict.fromkeys(NAMES, 1.0)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_plotted_without_a_warning(case, tmp_path):
    with warnings.catch_warnings(action="error"):
        rates, model = difficulty.rates(CASES[case]), difficulty_model.fit(CASES[case])
        figure = plot(rates, model)
        style.save(figure, tmp_path / "plot.svg")
    odds, *panels = figure.axes
    assert figure.get_figwidth() == 10
    assert len(panels) == len(PROPERTIES)
    for item, panel in zip(PROPERTIES, panels, strict=True):
        label = panel.get_xlabel().replace("\n", " ")
        assert label == item.title + (f" ({item.unit})" if item.unit else "")
    assert len(odds.get_yticklabels()) == len(PROPERTIES)
    assert "odds ratio" in odds.get_xlabel()
    assert note(model, TOGETHER)[:30] in odds.get_title(loc="left").replace("\n", " ")


def test_points_and_intervals_are_where_they_should_be():
    rates, model = difficulty.rates(CASES["real"]), difficulty_model.fit(CASES["real"])
    odds, panel, *_ = plot(rates, model).axes
    groups = of(rates, "level_dbfs")
    [(line, _, [bars])] = panel.containers
    np.testing.assert_allclose(line.get_xdata().astype(float), groups["median"])
    np.testing.assert_allclose(line.get_ydata().astype(float), groups["error_rate"])
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, groups[["interval_low", "interval_high"]])
    plotted = {line.get_xdata()[0] for line in markers(odds)}
    assert plotted == set(model["odds_ratio"].dropna())


def test_significant_properties_are_above_the_others():
    model = difficulty_model.fit(CASES["real"])
    model["property_p_value"] = np.where(model["property"] == "voiced_seconds", 0.01, 0.5)
    labels = plot(difficulty.rates(CASES["real"]), model).axes[0].get_yticklabels()
    assert labels[-1].get_text().startswith("voiced duration")


def test_significant_properties_are_marked_and_on_top():
    model = difficulty_model.fit(CASES["bent"])
    odds = plot(difficulty.rates(CASES["bent"]), model).axes[0]
    labels = odds.get_yticklabels()
    assert labels[-1].get_text().startswith("loudness (SD ")
    assert [label.get_weight() == "bold" for label in labels] == [False] * 9 + [True]
    filled = {line.get_xdata()[0]: line.get_markerfacecolor() != "white" for line in markers(odds)}
    for row in model.dropna(subset="odds_ratio").itertuples():
        assert filled[row.odds_ratio] == (row.interval_low > 1 or row.interval_high < 1)
    title = odds.get_title(loc="left").replace("\n", " ")
    assert "(bold, p < 0.05 by Holm's method): loudness." in title
