"""Which demo runs there are: data, so that a run that is already there can be recognised by its key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EPOCHS = 30


@dataclass(frozen=True)
class Run:
    """
    One training: who does it, on which data, with what.
    """

    project: str
    experiment: str
    who: str
    dataset: str
    model: str
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    seed: int = 0
    fails: bool = False
    logs_model: bool = False

    @property
    def name(self) -> str:
        settings = "-".join(str(value) for value in self.parameters.values())
        return "-".join(part for part in (self.model, settings, f"s{self.seed}") if part)

    @property
    def key(self) -> str:
        return f"{self.experiment}/{self.name}"


@dataclass(frozen=True)
class Study:
    """
    A parent run with one child a training; a study without a name is one training by itself.
    """

    runs: tuple[Run, ...]
    name: str = ""

    @property
    def size(self) -> int:
        return len(self.runs) + bool(self.name)


def plan() -> tuple[Study, ...]:
    """
    Every demo run, the slow ones first so that no process is left with one at the end.
    """
    return (*_vision(), *_fraud(), *_churn())


def _alone(*runs: Run) -> tuple[Study, ...]:
    return tuple(Study((run,)) for run in runs)


def _vision() -> tuple[Study, ...]:
    def digits(who: str, model: str, seed: int = 0, **parameters: float) -> Run:
        return Run("vision", "digits", who, "digits", model, parameters, seed)

    widths = Study(tuple(digits("vera", "mlp", hidden=h, lr=0.003) for h in (16, 32, 64, 128)), "hidden units")
    seeds = Study(tuple(digits("victor", "mlp", seed, hidden=64, lr=0.01) for seed in range(1, 6)), "five seeds")
    best = Run("vision", "digits", "vision-trainer", "digits", "svc", {"C": 10, "gamma": 0.001}, logs_model=True)
    diverged = Run("vision", "digits", "victor", "digits", "sgd_regressor", {"eta0": 1e300}, fails=True)
    others = [digits("vera", "svc", C=c, gamma=0.001) for c in (0.1, 1)]
    others += [digits("victor", "random_forest", seed, n_estimators=150) for seed in (1, 2)]
    return (widths, seeds, *_alone(best, diverged, *others))


def _fraud() -> tuple[Study, ...]:
    def detector(who: str, model: str, seed: int = 0, **parameters: float) -> Run:
        return Run("fraud", "detector", who, "breast_cancer", model, parameters, seed)

    rates = Study(
        tuple(detector("dana", "logistic_sgd", s, lr=rate) for rate in (0.0003, 0.003, 0.03) for s in (1, 2, 3)),
        "learning rates",
    )
    boosted = [
        detector("alice", "gradient_boosting", lr=rate, max_depth=depth)
        for rate in (0.03, 0.1, 0.3)
        for depth in (1, 3)
    ]
    forests = [detector("dana", "random_forest", trees, n_estimators=trees) for trees in (20, 60, 120)]
    first = Run("fraud", "detector", "dana", "breast_cancer", "logistic", {"C": 0.1}, logs_model=True)
    second = Run("fraud", "detector", "fraud-trainer", "breast_cancer", "logistic", {"C": 1.0}, logs_model=True)
    triage = [Run("fraud", "triage", "dana", "wine", "random_forest", {"n_estimators": n}, seed=n) for n in (10, 50)]
    triage += [Run("fraud", "triage", "alice", "wine", "logistic", {"C": c}) for c in (0.01, 0.1, 1.0, 10.0)]
    return (rates, *_alone(first, second, *boosted, *forests, *triage))


def _churn() -> tuple[Study, ...]:
    def score(who: str, model: str, seed: int = 0, **parameters: float) -> Run:
        return Run("churn", "risk-score", who, "diabetes", model, parameters, seed)

    depths = Study(tuple(score("carl", "boosted_regression", lr=0.05, max_depth=d) for d in (1, 2, 3, 4)), "tree depth")
    ridges = [score("erin", "ridge", alpha=alpha) for alpha in (0.001, 0.1, 1.0, 10.0)]
    lassos = [score("carl", "lasso", alpha=alpha) for alpha in (0.01, 0.1, 1.0)]
    best = Run("churn", "risk-score", "erin", "diabetes", "ridge", {"alpha": 0.03}, logs_model=True)
    segments = [Run("churn", "segments", "carl", "iris", "svc", {"C": c, "gamma": 0.1}) for c in (0.1, 1.0, 10.0)]
    segments += [Run("churn", "segments", "erin", "iris", "logistic_sgd", {"lr": r}) for r in (0.001, 0.01)]
    return (depths, *_alone(best, *ridges, *lassos, *segments))
