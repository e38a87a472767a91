"""95 % intervals over speakers.

Recordings of one speaker are correlated: n recordings of few speakers are less informative than n
of many. With 14 recordings per speaker and a correlation of 0.05, intervals for independent
recordings cover 88 % instead of 95 %. So speakers are treated as independent, and recordings only
if each has its own speaker or the whole test set has a single one. In the latter case the interval
is for further recordings of this speaker, not for other speakers.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm, t
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95  # of confidence
TAIL = (1 - LEVEL) / 2
SIGNIFICANT = round(1 - LEVEL, 2)  # below this p value
RESAMPLES = 1000
# Weights sampled at a time: for 200,000 speakers, all resamples at once would take gigabytes.
SAMPLED = 2_000_000


def groups(speakers: Sequence, several: bool = False) -> np.ndarray:
    """Number the groups of recordings that are independent of each other, from 0 [recording].

    A group contains a speaker's recordings. With a single speaker each recording is a group, unless
    they are part of a set with `several` speakers.
    """
    number, names = pd.factorize(np.asarray(speakers))
    return number if several or len(names) > 1 else np.arange(len(number))


def of_share(chosen: ArrayLike, speakers: Sequence, several: bool = False) -> tuple[float, float]:
    """Return the interval of the share of recordings that are `chosen` [recording].

    It is Wilson's interval (1927), which has a width even if all or none are chosen. If speakers
    have several recordings, it uses the effective number of recordings of E. L. Korn and B. I.
    Graubard (Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data, Survey Methodology 24, 1998): the number divided by the design
    effect, times (z / t)², where z is the quantile of the normal distribution and t that of
    Student's with one degree of freedom less than there are speakers. The design effect is the
    variance between speakers divided by that of independent recordings, and at least 1; if all or
    none are chosen it cannot be estimated and is taken as 1. The recordings of one of several
    speakers count as one. C. Franco, R. J. A. Little, T. A. Louis and E. V. Slud compare such
    intervals (Comparative study of confidence intervals for proportions in complex sample surveys,
    Journal of Survey Statistics and Methodology 7, 2019). `several` is as in `groups`.
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
    """Return the interval of the share of `second` minus that of `first`, for the same recordings.

    It is method 10 of R. G. Newcombe, Improved confidence intervals for the difference between
    binomial proportions based on paired data (Statistics in Medicine 17, 1998): the intervals of
    the two shares, combined with their correlation, which is corrected for continuity. The
    intervals are those of `of_share`. The correlation is that of the speakers' sums, as for
    clustered recordings (Z. Yang, X. Sun and J. W. Hardin, Confidence intervals for the difference
    of marginal probabilities in clustered matched-pair binary data, Pharmaceutical Statistics 11,
    2012), or that of the recordings if speakers do not differ.
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
    """Return the interval of the mean of `values` [recording], by `bootstrap`."""
    group = groups(speakers)
    sums, sizes = np.bincount(group, values), np.bincount(group)
    return bootstrap(lambda weights: (weights @ sums) / (weights @ sizes), len(sizes))


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], count: int) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic of `count` groups (see `groups`).

    Groups are sampled with replacement, with all their recordings: the cluster bootstrap (C. A.
    Field and A. H. Welsh, Bootstrapping clustered data, Journal of the Royal Statistical Society B
    69, 2007). `statistic` returns the value of each sample [sample], given how often each group is
    in it [sample, group]. With fewer groups the percentiles are farther out (T. C. Hesterberg, What
    teachers should know about the bootstrap, The American Statistician 69, 2015, "expanded"),
    because plain ones are too narrow. With one group, which is one recording, the width is 0.
    """
    if count < 2:
        value = float(statistic(np.ones((1, count)))[0])
        return value, value
    generator, values = np.random.default_rng(1), []
    at_once = min(RESAMPLES, max(SAMPLED // count, 1))
    for start in range(0, RESAMPLES, at_once):
        samples = min(at_once, RESAMPLES - start)
        chosen = generator.integers(count, size=(samples, count))
        chosen += count * np.arange(samples)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=samples * count).reshape(samples, count)
        values.append(statistic(weights))
    tail = norm.cdf(np.sqrt(count / (count - 1)) * t.ppf(TAIL, count - 1))
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def _residuals(chosen: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Each group's chosen recordings minus the expected number, times all recordings [group].

    As whole numbers, they are exactly 0 if all groups have the same share.
    """
    return len(chosen) * np.bincount(group, chosen) - chosen.sum() * np.bincount(group)


def of_rate(count: int, hours: float) -> tuple[float, tuple[float, float]]:
    """Return a Poisson rate per hour and its exact interval (F. Garwood, Biometrika 28, 1936)."""
    low = chi2.ppf(TAIL, 2 * count) / 2 / hours if count else 0.0
    return count / hours, (low, chi2.ppf(1 - TAIL, 2 * count + 2) / 2 / hours)
