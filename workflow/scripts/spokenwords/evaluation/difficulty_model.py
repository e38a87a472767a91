"""Which properties of recordings go with errors: one logistic regression on all of them."""

import warnings
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from statsmodels.discrete.discrete_model import Logit
from statsmodels.stats.multitest import multipletests

from spokenwords.evaluation.difficulty import PROPERTIES, Property

OF_SPEAKER = "recordings_of_speaker_in_training"
TOGETHER = "all together"  # the row about the model as a whole

# P. Peduzzi et al., A simulation study of the number of events per variable in logistic regression
# analysis, Journal of Clinical Epidemiology 49, 1996: with fewer, odds ratios are biased.
OUTCOMES_PER_COEFFICIENT = 10
FEWEST_ON_A_SIDE = 10
# With fewer, cluster-robust intervals are too narrow: A. C. Cameron and D. L. Miller, A
# practitioner's guide to cluster-robust inference, Journal of Human Resources 50, 2015.
FEW_SPEAKERS = 30
FOLDS = 5

# Names of the recordings with an effect, and of those without it.
SIDES = {
    "below": ("below the median", "at or above the median"),
    "above": ("above the median", "at or below the median"),
    "rising": ("above the median", "at or below the median"),
    "present": ("with it", "without it"),
}
MODEL_COLUMNS = [
    "property",
    "effect",
    "odds_ratio",
    "interval_low",
    "interval_high",
    "p_value",
    "property_p_value",
    "median",
    "standard_deviation",
    "unit",
    "note",
]


def fit(recordings: pd.DataFrame) -> pd.DataFrame:
    """Fit one logistic regression of errors on all properties together.

    `recordings` is the table of `difficulty.join`. Recordings can be hard at both ends of a
    property, such as words that begin early or late: so the log odds are two straight lines that
    meet at the median, or one line if there are too few errors for two. The word is not in the
    model: its effect on the spectrum is attributed to the spectrum. Intervals (95 %) and p values
    allow for the correlation of a speaker's recordings. One row per effect, smallest p value first:

    - property, effect: `below` and `above` (each standard deviation farther from the median),
      `rising` (each standard deviation more), `present` (rather than absent)
    - odds_ratio, interval_low, interval_high: factor by which the odds of an error are multiplied;
      p_value
    - property_p_value: of all effects of the property (Wald test), adjusted for the number of
      properties (S. Holm, A simple sequentially rejective multiple test procedure, 1979)
    - median of the property; its standard_deviation, of the logarithm if `unit` is octaves or
      doublings
    - note: why the property is not in the model, if it is not

    The last row, `TOGETHER`, has a note on the whole model: how well it separates errors from
    correct answers for speakers it was not fitted to, or why there is no model.
    """
    measured = recordings.dropna(subset=recordings.columns.drop(OF_SPEAKER))
    unknown = int(measured[OF_SPEAKER].isna().sum())
    ways = [measured.dropna()]
    if unknown:  # If these recordings are needed, the property is left out instead.
        ways.append(measured.assign(**{OF_SPEAKER: np.nan}))
    for bent, known in product((True, False), ways):
        wrong, speakers = known["wrong"], known["speaker"]
        outcomes = int(min(wrong.sum(), (1 - wrong).sum()))
        columns, table = _columns(known, bent)
        needed = OUTCOMES_PER_COEFFICIENT * max(columns.shape[1], 1)
        if outcomes >= needed:
            break
    if known.empty:
        note = "No model: no recording was measured."
    elif outcomes < needed:
        kind = "errors" if 2 * wrong.sum() <= len(wrong) else "correct answers"
        note = f"No model: too few {kind}, {outcomes:,} of the {needed:,} needed."
    elif columns.empty:
        note = "No model: no property can be fitted."
    elif (fitted := _fit(columns, wrong, speakers)) is None:
        note = "No model: the fit does not converge."
    else:
        table = table.join(_odds_ratios(columns.columns, fitted)).sort_values(
            "property_p_value", kind="stable"
        )
        note = _account(columns, wrong, speakers)
        if left := len(recordings) - len(known):
            note += f" Left out: {left:,} recordings with a missing property."
        if unknown and len(known) == len(measured):
            note += f" {unknown:,} have unknown speakers: each counts as another speaker."
    if 0 < unknown < len(known) == len(measured):
        table.loc[(OF_SPEAKER, ""), "note"] = f"unknown for {unknown:,} recordings"
    table.loc[(TOGETHER, ""), "note"] = note
    return table.reset_index().reindex(columns=MODEL_COLUMNS)


def _columns(known: pd.DataFrame, bent: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns (property, effect) to fit, and the table without the results of the fit."""
    columns: dict[tuple[str, str], pd.Series] = {}
    rows = []
    for item in PROPERTIES:
        values, unit = known[item.name].dropna(), item.unit
        row = {"property": item.name, "median": values.median()}
        if item.scale in ("log", "count"):
            values = np.log2(values + (item.scale == "count"))
            unit = "octaves" if item.scale == "log" else "doublings"
        elif item.scale == "any":
            values = (values > 0).astype(float)
        effects = _effects(item, values, bent)
        wider = columns | {(item.name, effect): effects[effect] for effect in effects}
        note = _obstacle(values, effects, known["wrong"])
        if not note and np.linalg.matrix_rank(_design(wider.values())) <= len(wider):
            note = "determined by the other properties"
        row |= {"standard_deviation": values.std(), "unit": unit, "note": note}
        if note:
            rows.append(row | {"effect": ""})
        else:
            columns = wider
            rows += [row | {"effect": effect} for effect in effects]
    table = pd.DataFrame(rows).set_index(["property", "effect"])
    return pd.DataFrame(columns, index=known.index), table


def _effects(item: Property, values: pd.Series, bent: bool) -> dict[str, pd.Series]:
    """The column of each effect of a property, if enough recordings have it."""
    if item.scale in ("flag", "any"):
        effects = {"present": values}
    else:
        distance = (values - values.median()) / (values.std() or 1)
        effects = {"rising": distance}
        if bent:
            effects = {"below": (-distance).clip(lower=0), "above": distance.clip(lower=0)}
    return {
        effect: column
        for effect, column in effects.items()
        if column.value_counts()[1:].sum() >= FEWEST_ON_A_SIDE
    }


def _obstacle(values: pd.Series, effects: dict[str, pd.Series], wrong: pd.Series) -> str:
    """Why a property cannot be fitted; empty if it can."""
    if values.empty:
        return "never measured"
    unlike = int(values.value_counts()[1:].sum())
    if not effects:
        return f"only {unlike} recordings differ" if unlike else "the same for all recordings"
    for effect, column in effects.items():
        errors, correct = column[wrong == 1], column[wrong == 0]
        if not (errors.max() <= correct.min() or correct.max() <= errors.min()):
            continue
        # Its odds ratio would be zero or infinite.
        for side, outcomes in zip(
            SIDES[effect], (wrong[column > 0], wrong[column <= 0]), strict=True
        ):
            if outcomes.nunique() == 1:
                fate = "wrong" if outcomes.all() else "correct"
                return f"all {len(outcomes):,} recordings {side} were {fate}"
    return ""


def _design(columns: Iterable[pd.Series]) -> np.ndarray:
    """The design matrix [recordings, columns + 1]; the constant is last."""
    columns = list(columns)
    return np.column_stack([*columns, np.ones(len(columns[0]))])


def _fit(columns: pd.DataFrame, wrong: pd.Series, speakers: pd.Series) -> Any:
    """The fitted model, with coefficients of the columns and of the constant; None on failure."""
    robust: dict[str, Any] = {"cov_type": "HC1"}
    if _enough_speakers(columns, speakers):
        robust = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(speakers)[0]}}
    design = _design([columns[name] for name in columns])
    try:
        with warnings.catch_warnings(action="ignore"):
            fitted = Logit(wrong.to_numpy(), design).fit(disp=0, maxiter=100, use_t=True, **robust)
    except np.linalg.LinAlgError:
        return None
    return fitted if fitted.mle_retvals["converged"] else None


def _odds_ratios(effects: pd.MultiIndex, fitted: Any) -> pd.DataFrame:
    index = effects.set_names(["property", "effect"])
    table = pd.DataFrame({"odds_ratio": np.exp(fitted.params[:-1])}, index)
    table[["interval_low", "interval_high"]] = np.exp(fitted.conf_int()[:-1])
    table["p_value"] = fitted.pvalues[:-1]
    names = index.get_level_values("property")
    coefficients = np.eye(len(index) + 1)[:-1]
    tests = {
        name: float(fitted.wald_test(coefficients[names == name], scalar=True).pvalue)
        for name in names.unique()
    }
    adjusted = multipletests(list(tests.values()), method="holm")[1]
    table["property_p_value"] = names.map(dict(zip(tests, adjusted, strict=True)))
    return table


def _enough_speakers(columns: pd.DataFrame, speakers: pd.Series) -> bool:
    """Whether there are more speakers than coefficients: else the covariance is singular."""
    return speakers.nunique() > columns.shape[1] + 1


def _account(columns: pd.DataFrame, wrong: pd.Series, speakers: pd.Series) -> str:
    """The quality of the whole model, in a few sentences."""
    count = speakers.nunique()
    text = f"{int(wrong.sum()):,} errors in {len(wrong):,} recordings of {count:,} "
    text += "speaker." if count == 1 else "speakers."
    # There may be too few speakers for folds that have both errors and correct answers.
    with suppress(ValueError), warnings.catch_warnings(action="ignore"):
        chances = cross_val_predict(
            LogisticRegression(C=np.inf, max_iter=1000),
            columns.to_numpy(),
            wrong,
            groups=speakers,
            cv=GroupKFold(min(FOLDS, count)),
            method="predict_proba",
        )
        text += (
            " For speakers left out of the fit, the area under the ROC curve is "
            f"{roc_auc_score(wrong, chances[:, 1]):.2f} (0.5: chance, 1: all errors predicted)."
        )
    if not _enough_speakers(columns, speakers):
        text += (
            " With so few speakers the intervals treat recordings as independent, and are rough."
        )
    elif count < FEW_SPEAKERS:
        text += " With so few speakers the intervals are rough."
    return text
