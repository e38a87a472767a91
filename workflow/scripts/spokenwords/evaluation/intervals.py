"""95 % intervals over speakers.

Recordings of one speaker are alike, so that many of few speakers tell less than as many of many:
with 14 a speaker and a correlation of 0.05, intervals that take recordings as independent cover
88 % instead of 95 %. Speakers are taken as independent instead, and recordings only where each has
a speaker of its own, or all of the test set have the same one. Of one speaker nothing can be learnt
about others: the interval then holds for more recordings of this speaker.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
RESAMPLES = 1000
# Weights drawn at a time: of 200,000 speakers all resamples at once would take gigabytes.
DRAWN = 2_000_000


def groups(speakers: Sequence, several: bool = False) -> np.ndarray:
    """Number the groups of recordings that are independent of each other, from 0 [recording].

    A group is a speaker's recordings. Of a single speaker each recording is one, but not where they
    are part of a set of `several` speakers.
    """
    number, names = pd.factorize(np.asarray(speakers))
    return number if several or len(names) > 1 else np.arange(len(number))


def of_share(chosen: ArrayLike, speakers: Sequence, several: bool = False) -> tuple[float, float]:
    """The interval of the share of recordings that are `chosen` [recording]; groups are `groups`'.

    Wilson's (1927), which has a width even where all or none are chosen. Where speakers have
    several recordings, it is that of the effective number of recordings of E. L. Korn and B. I.
    Graubard (Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data, Survey Methodology 24, 1998): their number over the design effect,
    times (z / t)², with z of the normal distribution and t of Student's with one degree of freedom
    less than there are speakers. The design effect is the variance between speakers over that of
    independent recordings, and at least 1; where all or none are chosen it is not known, and taken
    as 1. The recordings of a single one of several speakers count as one. C. Franco, R. J. A.
    Little, T. A. Louis and E. V. Slud compare such intervals (Comparative study of confidence
    intervals for proportions in complex sample surveys, Journal of Survey Statistics and
    Methodology 7, 2019).
    """
    values, group = np.asarray(chosen, float), groups(speakers, several)
    count, independent, share = len(values), group.max() + 1, values.mean()
    effective = float(count)
    if independent == 1:
        effective = 1.0
    elif independent < count:
        residuals = _residuals(values, group) / count
        between = residuals @ residuals * independent / (independent - 1) / count
        inflation = max(1, between / (share * (1 - share))) if 0 < share < 1 else 1
        effective *= (norm.ppf(TAIL) / t.ppf(TAIL, independent - 1)) ** 2 / inflation
    low, high = proportion_confint(share * effective, effective, 1 - LEVEL, method="wilson")
    return float(low), float(high)


def of_difference(first: ArrayLike, second: ArrayLike, speakers: Sequence) -> tuple[float, float]:
    """The interval of the share of `second` minus that of `first`, both of the same recordings.

    It is method 10 of R. G. Newcombe, Improved confidence intervals for the difference between
    binomial proportions based on paired data (Statistics in Medicine 17, 1998): the intervals of
    the two shares, joined by their correlation, which is corrected for continuity. The intervals
    are those of `of_share`, and the correlation is that of the speakers' sums, as with recordings
    in clusters (Z. Yang, X. Sun and J. W. Hardin, Confidence intervals for the difference of
    marginal probabilities in clustered matched-pair binary data, Pharmaceutical Statistics 11,
    2012). Where speakers do not differ, it is that of the recordings.
    """
    a, b, group = np.asarray(first, float), np.asarray(second, float), groups(speakers)
    one, other = _residuals(a, group), _residuals(b, group)
    if not (one.any() and other.any()):
        one, other = (_residuals(run, np.arange(len(run))) for run in (a, b))
    lengths, deviations = np.sqrt((one @ one) * (other @ other)), a.std() * b.std()
    correlation = one @ other / lengths if lengths else 0.0
    if correlation > 0:
        correlation = max(correlation - 1 / (2 * len(a) * deviations), 0)

    def distance(below: float, above: float) -> float:
        return np.sqrt(max(below**2 - 2 * correlation * below * above + above**2, 0))

    below_1, above_1 = np.abs(a.mean() - of_share(a, speakers))
    below_2, above_2 = np.abs(b.mean() - of_share(b, speakers))
    difference = b.mean() - a.mean()
    low, high = difference - distance(below_2, above_1), difference + distance(below_1, above_2)
    return float(low), float(high)


def of_mean(values: ArrayLike, speakers: Sequence) -> tuple[float, float]:
    """The interval of the mean of `values` [recording], by `bootstrap`."""
    group = groups(speakers)
    sums, sizes = np.bincount(group, values), np.bincount(group)
    return bootstrap(lambda weights: (weights @ sums) / (weights @ sizes), len(sizes))


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], count: int) -> tuple[float, float]:
    """The percentile bootstrap interval of what `count` groups are drawn for, with replacement.

    Groups (see `groups`) are drawn with all their recordings: the cluster bootstrap (C. A. Field
    and A. H. Welsh, Bootstrapping clustered data, Journal of the Royal Statistical Society B 69,
    2007).
    `statistic` gives the value of each draw [draw] from how often each has the groups [draw,
    group]. Percentiles are farther out the fewer groups there are (T. C. Hesterberg, What
    teachers should know about the bootstrap, The American Statistician 69, 2015, "expanded"):
    plain ones are too narrow. With one group, which is one recording, there is no width.
    """
    if count < 2:
        value = float(statistic(np.ones((1, count)))[0])
        return value, value
    generator, values = np.random.default_rng(1), []
    at_once = min(RESAMPLES, max(DRAWN // count, 1))
    for start in range(0, RESAMPLES, at_once):
        draws = min(at_once, RESAMPLES - start)
        drawn = generator.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=draws * count).reshape(draws, count)
        values.append(statistic(weights))
    tail = norm.cdf(np.sqrt(count / (count - 1)) * t.ppf(TAIL, count - 1))
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def _residuals(chosen: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Each group's chosen recordings less those expected by its size, times all recordings [group].

    These are whole numbers: they are exactly 0 where groups are alike.
    """
    return len(chosen) * np.bincount(group, chosen) - chosen.sum() * np.bincount(group)
