"""Trains one of the demo's models on data that scikit-learn ships, and says how it went epoch by epoch."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.base import is_classifier
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from studio.local.demo.plan import EPOCHS, Run

LOADERS = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
Curve = list[dict[str, float]]


@dataclass(frozen=True)
class Split:
    """
    One data set, scaled, in two parts.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    train_target: pd.Series
    test_target: pd.Series
    labels: list[str]


@dataclass(frozen=True)
class Trained:
    """
    A fitted model, what it predicts for the test part, and its metrics.
    """

    model: Any
    predicted: np.ndarray
    metrics: dict[str, float]
    curve: Curve
    classifies: bool


def load(name: str, seed: int) -> Split:
    """
    A quarter is kept for the test; which quarter depends on the seed.
    """
    bunch = LOADERS[name](as_frame=True)
    parts = train_test_split(bunch.data, bunch.target, test_size=0.25, random_state=seed)
    scaler = StandardScaler().fit(parts[0])
    frames = [pd.DataFrame(scaler.transform(part), columns=bunch.data.columns) for part in parts[:2]]
    labels = [str(label) for label in bunch.get("target_names", [])]
    return Split(name, *frames, parts[2].reset_index(drop=True), parts[3].reset_index(drop=True), labels)


def train(run: Run, split: Split) -> Trained:
    """
    Fits the run's model. ValueError when the training diverges: one run of the demo is meant to.
    """
    model = estimator(run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        curve = list(_fit(model, split))
    predicted = model.predict(split.test)
    classifies = is_classifier(model)
    return Trained(model, predicted, _metrics(classifies, split.test_target, predicted), curve, classifies)


def estimator(run: Run) -> Any:
    """
    The unfitted model of a run.
    """
    p, seed = dict(run.parameters), run.seed
    makers = {
        "boosted_regression": lambda: GradientBoostingRegressor(
            n_estimators=60, learning_rate=p["lr"], max_depth=p["max_depth"], random_state=seed
        ),
        "gradient_boosting": lambda: GradientBoostingClassifier(
            n_estimators=60, learning_rate=p["lr"], max_depth=p["max_depth"], random_state=seed
        ),
        "lasso": lambda: Lasso(alpha=p["alpha"]),
        "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=p["C"], max_iter=500)),
        "logistic_sgd": lambda: SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=p["lr"], random_state=seed
        ),
        "mlp": lambda: MLPClassifier((p["hidden"],), learning_rate_init=p["lr"], random_state=seed),
        "random_forest": lambda: RandomForestClassifier(p["n_estimators"], random_state=seed),
        "ridge": lambda: Ridge(alpha=p["alpha"]),
        "sgd_regressor": lambda: SGDRegressor(learning_rate="constant", eta0=p["eta0"], random_state=seed),
        "svc": lambda: _svc(p),
    }
    return makers[run.model]()


def _svc(parameters: dict[str, Any]) -> Any:
    from sklearn.svm import SVC

    return SVC(C=parameters["C"], gamma=parameters["gamma"])


def _fit(model: Any, split: Split) -> Iterator[dict[str, float]]:
    """
    Fits, yielding the losses after each epoch or stage where the model has such.
    """
    if hasattr(model, "partial_fit") and is_classifier(model):
        classes = np.unique(split.train_target)
        for _ in range(EPOCHS):
            model.partial_fit(split.train, split.train_target, classes=classes)
            yield {
                "train_loss": log_loss(split.train_target, model.predict_proba(split.train), labels=classes),
                "val_loss": log_loss(split.test_target, model.predict_proba(split.test), labels=classes),
                "val_accuracy": model.score(split.test, split.test_target),
            }
        return
    model.fit(split.train, split.train_target)
    if hasattr(model, "train_score_"):
        for train_loss, predicted in zip(model.train_score_, model.staged_predict(split.test), strict=True):
            kind = "val_accuracy" if is_classifier(model) else "val_r2"
            score = accuracy_score if is_classifier(model) else r2_score
            yield {"train_loss": float(train_loss), kind: float(score(split.test_target, predicted))}


def _metrics(classifies: bool, truth: pd.Series, predicted: np.ndarray) -> dict[str, float]:
    if classifies:
        return {
            "accuracy": float(accuracy_score(truth, predicted)),
            "f1_macro": float(f1_score(truth, predicted, average="macro")),
        }
    return {"rmse": float(mean_squared_error(truth, predicted)) ** 0.5, "r2": float(r2_score(truth, predicted))}
