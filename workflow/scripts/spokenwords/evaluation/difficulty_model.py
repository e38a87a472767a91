"""Which properties of a recording matter when they are taken together: one logistic regression."""

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
TOGETHER = "all together"  # the row of a model that tells of it as a whole

# P. Peduzzi et al., A simulation study of the number of events per variable in logistic regression
# analysis, Journal of Clinical Epidemiology 49, 1996: with fewer, odds ratios are biased.
OUTCOMES_PER_COEFFICIENT = 10
FEWEST_ON_A_SIDE = 10
# Below about so many, cluster-robust intervals are too narrow: A. C. Cameron and D. L. Miller, A
# practitioner's guide to cluster-robust inference, Journal of Human Resources 50, 2015.
FEW_SPEAKERS = 30
FOLDS = 5

# The recordings in which an effect is there, and those in which it is not.
SIDES = {
    "below": ("below the median", "from the median up"),
    "above": ("above the median", "up to the median"),
    "rising": ("above the median", "up to the median"),
    "present": ("with it", "without it"),
}
MODEL_COLUMNS = [
    *("property", "effect", "odds_ratio", "interval_low", "interval_high", "p_value"),
    *("property_p_value", "median", "standard_deviation", "unit", "note"),
]


def fit(recordings: pd.DataFrame) -> pd.DataFrame:
    """One logistic regression of errors on all properties together.

    `recordings` is `difficulty.join`'s. They can be hard at both ends of a property, such as words
    that come early or late: so the log odds are two straight lines that meet at its median. Where
    there are too few errors for that, they are one line. The word said is not in the model: what it
    does to the spectrum counts as the spectrum's. Intervals (95 %) and p-values allow for the
    likeness of a speaker's recordings. A row an effect, most certain properties first:

    - property, effect: `below` and `above` (each standard deviation farther from the median),
      `rising` (each standard deviation more), `present` (rather than absent)
    - odds_ratio, interval_low, interval_high: what the odds of an error are multiplied by; p_value
    - property_p_value: of the property's effects taken together (Wald test), adjusted for the
      number of properties (S. Holm, A simple sequentially rejective multiple test procedure, 1979)
    - median of the property; standard_deviation, of its logarithm where `unit` is octaves or
      doublings
    - note: why the property is not in the model, where it is not

    The last row, `TOGETHER`, has a note on the model as a whole: how well it tells errors from
    right answers of speakers that it was not fitted to, or why there is no model.
    """
    measured = recordings.dropna(subset=recordings.columns.drop(OF_SPEAKER))
    unknown = int(measured[OF_SPEAKER].isna().sum())
    # Rather than recordings of unknown speakers, where they are needed, the property is left out.
    ways = [measured.dropna(), *[measured.assign(**{OF_SPEAKER: np.nan})] * bool(unknown)]
    for bent, known in product((True, False), ways):
        wrong, speakers = known["wrong"], known["speaker"]
        outcomes = int(min(wrong.sum(), (1 - wrong).sum()))
        columns, table = _columns(known, bent)
        needed = OUTCOMES_PER_COEFFICIENT * max(columns.shape[1], 1)
        if outcomes >= needed:
            break
    if known.empty:
        note = "No model: there is no recording that was measured."
    elif outcomes < needed:
        kind = "errors" if 2 * wrong.sum() <= len(wrong) else "right answers"
        note = f"No model: too few {kind}, {outcomes:,} of the {needed:,} needed."
    elif columns.empty:
        note = "No model: there is no property that can be fitted."
    elif (fitted := _fit(columns, wrong, speakers)) is None:
        note = "No model: the fit does not converge."
    else:
        table = table.join(_odds_ratios(columns.columns, fitted)).sort_values(
            "property_p_value", kind="stable"
        )
        note = _account(columns, wrong, speakers)
        if left := len(recordings) - len(known):
            note += f" Left out: {left:,} recordings of which a property is not known."
        if unknown and len(known) == len(measured):
            note += f" Who speaks is not known of {unknown:,}: each counts as a speaker's only one."
    if 0 < unknown < len(known) == len(measured):
        table.loc[(OF_SPEAKER, ""), "note"] = f"not known of {unknown:,} recordings"
    table.loc[(TOGETHER, ""), "note"] = note
    return table.reset_index().reindex(columns=MODEL_COLUMNS)


def _columns(known: pd.DataFrame, bent: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is fitted, columns (property, effect), and the table without the fit."""
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
        note = _fault(values, effects, known["wrong"])
        if not note and np.linalg.matrix_rank(_design(wider.values())) <= len(wider):
            note = "follows from the others"
        row |= {"standard_deviation": values.std(), "unit": unit, "note": note}
        if note:
            rows.append(row | {"effect": ""})
        else:
            columns = wider
            rows += [row | {"effect": effect} for effect in effects]
    table = pd.DataFrame(rows).set_index(["property", "effect"])
    return pd.DataFrame(columns, index=known.index), table


def _effects(item: Property, values: pd.Series, bent: bool) -> dict[str, pd.Series]:
    """The column of each effect of a property that enough recordings differ in."""
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


def _fault(values: pd.Series, effects: dict[str, pd.Series], wrong: pd.Series) -> str:
    """Why a property cannot be fitted, in words; none where it can."""
    if values.empty:
        return "never measured"
    unlike = int(values.value_counts()[1:].sum())
    if not effects:
        return f"only {unlike} unlike the others" if unlike else "the same for all"
    for effect, column in effects.items():
        errors, right = column[wrong == 1], column[wrong == 0]
        if not (errors.max() <= right.min() or right.max() <= errors.min()):
            continue
        # Its odds ratio would be zero or infinite.
        for side, outcomes in zip(
            SIDES[effect], (wrong[column > 0], wrong[column <= 0]), strict=True
        ):
            if outcomes.nunique() == 1:
                fate = "wrong" if outcomes.all() else "right"
                return f"of the {len(outcomes):,} {side}, all were {fate}"
    return ""


def _design(columns: Iterable[pd.Series]) -> np.ndarray:
    """[recordings, columns + 1]: the constant comes last."""
    columns = list(columns)
    return np.column_stack([*columns, np.ones(len(columns[0]))])


def _fit(columns: pd.DataFrame, wrong: pd.Series, speakers: pd.Series) -> Any:
    """The fitted model, its coefficients those of the columns, then the constant; None if none."""
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
    """With no more speakers than coefficients their covariance would be singular."""
    return speakers.nunique() > columns.shape[1] + 1


def _account(columns: pd.DataFrame, wrong: pd.Series, speakers: pd.Series) -> str:
    """What the model as a whole is worth, in a few sentences."""
    count = speakers.nunique()
    text = f"{int(wrong.sum()):,} errors in {len(wrong):,} recordings of {count:,} "
    text += "speaker." if count == 1 else "speakers."
    # Too few speakers who differ are no folds.
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
            f"{roc_auc_score(wrong, chances[:, 1]):.2f} (0.5: chance, 1: errors are foreseen)."
        )
    if not _enough_speakers(columns, speakers):
        text += (
            " With so few speakers the intervals take recordings for independent, and are rough."
        )
    elif count < FEW_SPEAKERS:
        text += " With so few speakers the intervals are rough."
    return text
