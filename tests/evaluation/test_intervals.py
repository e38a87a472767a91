"""Intervals over speakers: published ones, ones reckoned by hand, and how often they hold."""

import math

import numpy as np
import pytest
from scipy.stats import t

from spokenwords.evaluation import comparison, intervals, metrics

Z = 1.959964
# A simulation's test sets: EACH recordings of each speaker, which have this correlation.
SPEAKERS, EACH, CORRELATION, ACCURACY = 40, 14, 0.05, 0.9


def chosen(count, total):
    return np.arange(total) < count


# Shares.


@pytest.mark.parametrize(
    ("correct", "count", "expected"),
    # The first three are examples of R. G. Newcombe (Statistics in Medicine 17, 1998, table I); the
    # last is the interval's limit where all is right, 1 / (1 + z²/n).
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (36, 36, (0.9036, 1.0000)),
    ],
)
@pytest.mark.parametrize("speakers", ["one each", "one of all"])
def test_where_recordings_are_independent_it_is_wilsons(correct, count, expected, speakers):
    names = np.arange(count) if speakers == "one each" else np.full(count, "ann")
    found = intervals.of_share(chosen(correct, count), names)
    assert found == pytest.approx(expected, abs=5e-5)


def wilson(share, count):
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    middle, scale = share + Z**2 / (2 * count), 1 + Z**2 / count
    return (middle - half) / scale, (middle + half) / scale


def test_where_speakers_differ_it_is_of_fewer_recordings():
    right = {"ann": [1, 1, 1, 1], "bob": [1, 1, 1, 0], "cid": [1, 0, 0, 0], "dan": [1, 1]}
    speakers = [name for name, hits in right.items() for _ in hits]
    # 10 of 14 recordings are right; of each speaker's 4 or 2, this many more than 10 / 14.
    more = [4 - 40 / 14, 3 - 40 / 14, 1 - 40 / 14, 2 - 20 / 14]
    variance = 4 / 3 * sum(number**2 for number in more) / 14**2
    effective = (10 / 14 * 4 / 14) / variance * (Z / t.ppf(0.975, 3)) ** 2
    found = intervals.of_share([hit for hits in right.values() for hit in hits], speakers)
    assert found == pytest.approx(wilson(10 / 14, effective), abs=1e-5)


def test_speakers_who_are_alike_make_it_no_narrower():
    # Each of 20 speakers has one of two right: independent recordings would differ more.
    found = intervals.of_share([0, 1] * 20, np.repeat(np.arange(20), 2))
    assert found == pytest.approx(wilson(0.5, 40 * (Z / t.ppf(0.975, 19)) ** 2), abs=1e-5)


@pytest.mark.parametrize("right", [0, 1])
def test_where_all_is_right_or_wrong_it_has_a_width(right):
    low, high = intervals.of_share(np.full(40, right), np.repeat(np.arange(20), 2))
    width = 1 / (1 + 40 / t.ppf(0.975, 19) ** 2)
    assert (low, high) == pytest.approx((1 - width, 1) if right else (0, width))


def test_one_of_several_speakers_counts_as_one_recording():
    """As in a bin of a test set of many: other speakers may differ."""
    found = intervals.of_share([1] * 12, ["ann"] * 12, several=True)
    assert found == pytest.approx((1 / (1 + Z**2), 1))


# Differences.


def outcomes(both, only_first, only_second, neither):
    """Which recordings two runs recognise, given the number of each outcome."""
    counts = both, only_first, only_second, neither
    return np.repeat([True, True, False, False], counts), np.repeat([True, False] * 2, counts)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Complete response before and after therapy (Cavo and others, 2012), as evaluated in
        # Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables, 2017, §8.
        ((59, 16, 6, 80), -0.1186, -0.0046),
        # Two media for tubercle bacilli (Armitage and Berry, Statistical Methods in Medical
        # Research, 1994, p. 127), as evaluated by StatsDirect.
        ((20, 2, 12, 16), 0.0562, 0.3292),
    ],
)
def test_published_differences(counts, low, high):
    first, second = outcomes(*counts)
    each = np.arange(len(first))
    assert intervals.of_difference(first, second, each) == pytest.approx((low, high), abs=5e-5)
    mirrored = intervals.of_difference(second, first, each)
    assert mirrored == pytest.approx((-high, -low), abs=5e-5)


def test_differences_at_the_limits():
    """With nothing right, or nothing wrong, Wilson's intervals end at z² / (n + z²)."""
    width = Z**2 / (10 + Z**2)
    for counts in ((10, 0, 0, 0), (0, 0, 0, 10)):
        found = intervals.of_difference(*outcomes(*counts), range(10))
        assert found == pytest.approx((-width, width))
    # The two accuracies are 0 and 1: each moves away from its limit only.
    found = intervals.of_difference(*outcomes(0, 0, 10, 0), range(10))
    assert found == pytest.approx((1 - math.hypot(width, width), 1))


def test_runs_that_agree_are_no_less_alike_where_speakers_are():
    """Each of 20 speakers has one of two right, in both runs the same one."""
    right, speakers = [0, 1] * 20, np.repeat(np.arange(20), 2)
    low, high = intervals.of_share(right, speakers)
    # The continuity correction is 1 / (2 n s²), n = 40 and s² = 0.25.
    half = math.sqrt(2 * (1 - (1 - 1 / 20))) * (high - low) / 2
    assert intervals.of_difference(right, right, speakers) == pytest.approx((-half, half))


def test_recordings_that_are_there_several_times_tell_nothing_more():
    """The interval of 40 recordings is about that of the same ones, four times each."""
    first, second = outcomes(20, 4, 8, 8)
    once = intervals.of_difference(first, second, range(40))
    four = intervals.of_difference(first.repeat(4), second.repeat(4), np.arange(40).repeat(4))
    assert four == pytest.approx(once, abs=0.02)
    independent = intervals.of_difference(first.repeat(4), second.repeat(4), range(160))
    assert np.ptp(independent) < 0.6 * np.ptp(once)


# The bootstrap.


def test_interval_of_a_mean_is_that_of_the_central_limit():
    values = np.random.default_rng(3).exponential(size=2_000)
    low, high = intervals.of_mean(values, range(2_000))
    half = Z * values.std(ddof=1) / math.sqrt(2_000)
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_speakers_are_sampled_with_all_their_recordings():
    values, speakers = [0.0, 1.0, 2.0, 4.0, 4.0], ["ann", "bob", "bob", "ann", "cid"]
    draws = []
    intervals.bootstrap(lambda weights: draws.extend(weights) or np.zeros(len(weights)), 3)
    assert np.shape(draws) == (1_000, 3)
    assert set(np.sum(draws, axis=1)) == {3}
    np.testing.assert_allclose(np.mean(draws, axis=0), 1, atol=0.1)
    # Of three speakers the percentiles are the least and the largest: bob's alone, cid's alone.
    assert intervals.of_mean(values, speakers) == pytest.approx((1.5, 4))


def test_the_number_sampled_at_a_time_makes_no_difference(monkeypatch):
    values = np.random.default_rng(1).normal(size=60)
    whole = intervals.of_mean(values, np.arange(60) // 3)
    monkeypatch.setattr(intervals, "SAMPLED", 7 * 20)
    assert intervals.of_mean(values, np.arange(60) // 3) == pytest.approx(whole)


def test_recordings_of_a_single_speaker_are_sampled():
    values = np.random.default_rng(1).normal(size=30)
    assert intervals.of_mean(values, ["ann"] * 30) == intervals.of_mean(values, range(30))
    assert intervals.of_mean([0.5], ["ann"]) == (0.5, 0.5)


# How often they hold.


def accuracies(generator):
    """How probably each of the speakers is recognised, so that recordings correlate."""
    parts = 1 / CORRELATION - 1
    return generator.beta(ACCURACY * parts, (1 - ACCURACY) * parts, SPEAKERS).repeat(EACH)


def coverage(simulate, count):
    """How often intervals by speaker, and by recording, hold what is true.

    `simulate`, given a generator, returns what the interval is of, but for the speakers.
    """
    generator, ways = np.random.default_rng(1), (np.arange(SPEAKERS).repeat(EACH), None)
    found = np.zeros((count, 2))
    for row in found:
        interval, true, *tests = simulate(generator)
        for place, speakers in enumerate(ways):
            speakers = np.arange(SPEAKERS * EACH) if speakers is None else speakers
            low, high = interval(*tests, speakers)
            row[place] = low <= true <= high
    return found.mean(axis=0)


def share(generator):
    return intervals.of_share, ACCURACY, generator.random(SPEAKERS * EACH) < accuracies(generator)


def difference(generator):
    runs = [generator.random(SPEAKERS * EACH) < accuracies(generator) for _ in range(2)]
    return intervals.of_difference, 0, *runs


def loss(generator):
    return intervals.of_mean, 1 - ACCURACY, generator.exponential(1 - accuracies(generator))


def macro_f1(generator):
    """Of three words equally often said, and as often any of the others where it is wrong."""
    targets = np.arange(SPEAKERS * EACH) % 3
    wrong = generator.random(len(targets)) >= accuracies(generator)
    guesses = (targets + wrong * generator.integers(1, 3, len(targets))) % 3
    return metrics.macro_f1_interval, ACCURACY, targets, guesses


@pytest.mark.parametrize(
    ("simulate", "count"), [(share, 1_500), (difference, 500), (loss, 120), (macro_f1, 120)]
)
def test_intervals_cover_what_they_say(simulate, count):
    by_speaker, by_recording = coverage(simulate, count)
    error = 3 * math.sqrt(0.95 * 0.05 / count)
    assert by_speaker == pytest.approx(0.95, abs=error)
    assert by_recording < 0.91


@pytest.mark.parametrize(("speakers", "width"), [(10, 0.14), (5, 0.24), (2, 0.89)])
def test_of_few_speakers_they_are_wide_and_hold(speakers, width, monkeypatch):
    monkeypatch.setitem(globals(), "SPEAKERS", speakers)
    generator, names = np.random.default_rng(3), np.arange(speakers).repeat(EACH)
    found = np.array([intervals.of_share(share(generator)[2], names) for _ in range(400)])
    assert np.median(np.ptp(found, axis=1)) == pytest.approx(width, abs=0.02)
    held = (found[:, 0] <= ACCURACY) & (found[:, 1] >= ACCURACY)
    assert held.mean() > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize(("correlation", "held"), [(0.05, 0.96), (0.2, 0.918)])
def test_differences_with_ten_speakers_hold_about_as_often(correlation, held, monkeypatch):
    for name, value in (("SPEAKERS", 10), ("CORRELATION", correlation)):
        monkeypatch.setitem(globals(), name, value)
    generator, names = np.random.default_rng(1), np.arange(10).repeat(EACH)
    found = []
    for _ in range(400):
        interval, true, *runs = difference(generator)
        low, high = interval(*runs, names)
        found.append(low <= true <= high)
    assert np.mean(found) == pytest.approx(held, abs=3 * math.sqrt(held * (1 - held) / 400))


def test_significance_is_rare_where_runs_do_not_differ():
    generator, speakers = np.random.default_rng(2), np.arange(SPEAKERS).repeat(EACH)
    found = []
    for _ in range(700):
        _, _, first, second = difference(generator)
        lead = second.astype(int) - first
        ways = np.bincount(speakers, lead), lead
        found.append([comparison.sign_flip_test(sums) < 0.05 for sums in ways])
    by_speaker, by_recording = np.mean(found, axis=0)
    assert by_speaker < 0.05 + 3 * math.sqrt(0.95 * 0.05 / 700)
    assert by_recording > 0.08


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)]
)
def test_the_interval_of_a_rate_is_that_of_tables(count, low, high):
    """Exact limits of a Poisson mean, in many tables since Garwood (1936)."""
    rate, (lowest, highest) = intervals.of_rate(count, 1)
    assert (rate, lowest, highest) == pytest.approx((count, low, high), abs=1e-3)
    assert intervals.of_rate(count, 2)[1] == pytest.approx((low / 2, high / 2), abs=1e-3)
