"""A study: a question, and everything that is needed to answer it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveInt, model_validator

from harness.core.errors import SpecError
from harness.core.spec import Spec, did_you_mean, with_changes
from harness.growth.triggers import NEVER
from harness.search.conditions import check_space, corner_points, exists
from harness.search.designs import AbstractDesign, Paired
from harness.search.objective import Objective, known_objectives, name_in_runs
from harness.search.pruners import AbstractPruner, Race, Rung
from harness.search.published import Published
from harness.search.samplers import AbstractSampler, PastTrial, QuasiRandom, Search
from harness.search.space import AbstractDimension
from harness.search.study_name import check_study_name
from harness.staging.run import RunConfig, resolved
from harness.training.metrics import Direction, directions

__all__ = ["Study"]

CONTEXT = 20  # characters before one that cannot be written


class Study(Spec):
    """A base run, a search space, arms, seeds, and how they will be compared.

    Attributes:
        name: of the study everywhere; lower-case letters, digits, `-` and `_`.
        title: one line for people.
        question: one sentence; the report answers it.
        base: the run that configurations and arms are changes of.
        space: the searched fields by the name that reports use, such as `when`.
        arms: by name, the fields in which an arm differs from the configuration.
        comparison: the difference reported is the first arm's metric minus the second's.
        metric: the one that decides, without the split, such as `accuracy/all`; the search sees it on validation
            data, the report on test data; `direction` says which way is better.
        objectives: what configurations are weighed by beside `metric`; the search then looks for the best trade-offs,
            and `harness best` and the report list those found.
        secondary: other metrics that are compared; their p values are adjusted for their number.
        smallest_effect: a difference that would matter, in the metric's units.
        published: results of others, which the report sets beside those of the same arms.
        trials: configurations.
        sampler: who proposes configurations; one that learns proposes the next when the last has ended.
        baselines: configurations, by the names in `space`, that are run before any that is proposed.
        pruner: who gives up configurations before their runs have ended; then trials wait for each other.
        design: how configurations, arms and seeds are laid out.
        seeds: runs of each configuration and arm; the design says with which seeds.
        points: the digest that proposals follow from, given by a registration; empty if they follow from `name`.
    """

    later: ClassVar[tuple[str, ...]] = ("points",)

    name: Annotated[str, AfterValidator(check_study_name)]
    title: str
    question: str
    base: RunConfig
    space: dict[str, AbstractDimension]
    arms: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    comparison: tuple[str, str]
    metric: str = "accuracy/all"
    objectives: tuple[Objective, ...] = ()
    secondary: tuple[str, ...] = ()
    smallest_effect: NonNegativeFloat = 0.0
    published: tuple[Published, ...] = ()
    trials: PositiveInt = 12
    seeds: PositiveInt = 3
    sampler: AbstractSampler = QuasiRandom()
    baselines: tuple[dict[str, Any], ...] = ()
    pruner: AbstractPruner | None = None
    design: AbstractDesign = Paired()
    points: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    @model_validator(mode="before")
    @classmethod
    def _of_a_version_without_designs(cls, content: Any) -> Any:
        """Read what earlier versions recorded: without a design, arms were paired and seeds crossed."""
        if isinstance(content, Mapping) and isinstance(content.get("base"), Mapping) and "design" not in content:
            return {**content, "design": Paired(seeds="crossed")}
        return content

    @model_validator(mode="after")
    def _fits_the_base_run(self) -> "Study":
        self._check_analysis()
        self._check_objectives()
        check_space(self.space)
        for name, params in corner_points(self.space):
            self._try(f"space.{name}", params, {})
        for name, changes in self.arms.items():
            self._try(f"arms.{name}", {}, changes)
        for index in range(len(self.baselines)):
            self._check_baseline(index)
        self.check_sizes(self.trials, self.seeds)
        self._check_texts()
        return self

    def _check_texts(self) -> None:
        """Refuse what no file can hold: half of a surrogate pair."""
        try:
            json.dumps(self.to_json(), ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            found = error.object[max(error.start - CONTEXT, 0) : error.end]
            raise ValueError(f"expected texts that UTF-8 can write, found {found!r}") from None

    def _check_baseline(self, index: int) -> None:
        baseline = self.baselines[index]
        expected = [name for name in self.space if exists(self.space, name, baseline)]
        if baseline.keys() != set(expected):
            raise ValueError(
                f"baselines.{index}: expected values of {', '.join(expected)}; found {', '.join(baseline)}"
            )
        for name, value in baseline.items():
            if not self.space[name].contains(value):
                raise ValueError(f"baselines.{index}.{name}: expected a value in space.{name}, found {value!r}")

    def check_sizes(self, trials: int, seeds: int) -> None:
        """Refuse more trials or seeds than sampler and design have, and fewer seeds or steps than the pruner needs.

        Raises:
            SpecError: there are not so many.
        """
        self.rungs(seeds)
        for part in self.design.parts(list(self.arms)):
            self.design.seeds_of(part, 0, seeds)
        limit = self.sampler.limit(self._search)
        if limit is not None and trials > limit + len(self.baselines):
            raise SpecError(
                f"trials: expected at most {limit + len(self.baselines)}, all that the sampler "
                f"{self.sampler.kind!r} has for this space; found {trials}"
            )

    @property
    def stream(self) -> str:
        """What proposals follow from: the digest of a registration, or else the name."""
        return self.points or self.name

    @property
    def _search(self) -> Search:
        return Search(self.stream, self.space, self.direction, tuple(one.direction for one in self.objectives))

    @property
    def objective_directions(self) -> dict[str, Direction]:
        """The direction of each objective, by its name among a run's metrics; `metric` is the first."""
        further = {name_in_runs(one.metric): one.direction for one in self.objectives}
        return {name_in_runs(self.metric): self.direction, **further}

    @property
    def sequential(self) -> bool:
        """Whether each trial waits for those before it."""
        return self.sampler.learns or self.pruner is not None

    def point(self, number: int, past: Sequence[PastTrial] = (), *, stream: str = "") -> dict[str, Any]:
        """Return the configuration of trial `number`: a baseline, or what is proposed after the trials in `past`."""
        if number < len(self.baselines):
            return dict(self.baselines[number])
        search = replace(self._search, name=f"{self.stream} {stream}") if stream else self._search
        return self.sampler.point(search, number - len(self.baselines), past)

    def race(self, seeds: int) -> Race:
        """Return what a pruner decides about, with so many seeds."""
        return Race(min(config.steps for config in self._extremes()), seeds, self._latest_growth())

    def rungs(self, seeds: int) -> tuple[Rung, ...]:
        """Return the points at which configurations are compared, with so many seeds; none without a pruner.

        Raises:
            SpecError: there is no room for them.
        """
        return self.pruner.rungs(self.race(seeds)) if self.pruner else ()

    def _latest_growth(self) -> int | None:
        """Return the last step at which any configuration may grow under any arm; None if it is not known."""
        steps = [rule.trigger.next_firing_step(0) for config in self._extremes() for rule in config.growths]
        known = [step for step in steps if step is not None]
        return None if len(known) < len(steps) else max((step for step in known if step != NEVER), default=0)

    def _extremes(self) -> list[RunConfig]:
        """Return the base run with every corner of the space, and with every arm."""
        corners = [self.laid_over(params, {}) for _, params in corner_points(self.space)]
        return [self.base, *corners, *(self.laid_over({}, changes) for changes in self.arms.values())]

    def _check_analysis(self) -> None:
        for arm in self.comparison:
            if arm not in self.arms:
                raise ValueError(f"comparison: no arm {arm!r}.{did_you_mean(arm, self.arms)}")
        if len(set(self.comparison)) < len(self.comparison):
            raise ValueError(f"comparison: expected two arms, found {self.comparison[0]!r} twice")
        metrics = self._metrics
        for field, metric in [("metric", self.metric), *((f"secondary.{n}", m) for n, m in enumerate(self.secondary))]:
            if metric not in metrics:
                raise ValueError(f"{field}: no metric {metric!r}.{did_you_mean(metric, metrics)}")
        for index, result in enumerate(self.published):
            if result.arm not in self.arms:
                raise ValueError(f"published.{index}.arm: no arm {result.arm!r}.{did_you_mean(result.arm, self.arms)}")

    def _check_objectives(self) -> None:
        known, seen = known_objectives(self.base.task, self.base.training.metrics), {self.metric}
        for index, objective in enumerate(self.objectives):
            where = f"objectives.{index}.metric"
            if objective.metric not in known:
                raise ValueError(f"{where}: no metric {objective.metric!r}.{did_you_mean(objective.metric, known)}")
            if objective.metric in seen:
                raise ValueError(
                    f"{where}: expected another metric than those before, found {objective.metric!r} again"
                )
            seen.add(objective.metric)
        if self.objectives and (self.pruner or self.design.confirms):
            raise ValueError(
                "objectives: expected a study without pruner and confirmation, which look at one metric, found "
                f"{(self.pruner or self.design).kind!r}; leave out one of them"
            )
        if self.objectives and not self.sampler.weighs:
            raise ValueError(
                f"sampler: expected one that weighs several objectives, found {self.sampler.kind!r}; "
                "use another, such as nsga_ii, or leave out objectives"
            )

    @property
    def direction(self) -> Direction:
        """Which way the metric is better: errors and losses are minimized."""
        return self._metrics[self.metric]

    @property
    def _metrics(self) -> dict[str, Direction]:
        """The metrics by which runs can be compared, and which direction is better."""
        return directions(self.base.task, self.base.training.metrics)

    def _try(self, where: str, params: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        try:
            self.laid_over(params, changes)
        except SpecError as error:
            raise ValueError(f"{where}: {error}") from None

    def changed(self, changes: Mapping[str, Any], *, name: str | None = None) -> "Study":
        """Return the study with fields of the base run changed, device and precision resolved, and perhaps renamed.

        Raises:
            SpecError: a path names no field of the base run, or a value does not fit.
            InputError: the device is not there.
        """
        base = resolved(with_changes(self.base, changes))
        changed = with_changes(self, {"base": base, "name": name or self.name})
        return changed.model_copy(update={"design": self.design})  # which knows what the file said, and what it did not

    def config(self, params: Mapping[str, Any], arm: str, seed: int) -> RunConfig:
        """Return the run of one configuration (values by the names in `space`) under `arm` with `seed`.

        Raises:
            SpecError: the values do not fit together.
        """
        return self.laid_over(params, {**self.arms[arm], "seed": seed})

    def laid_over(self, params: Mapping[str, Any], changes: Mapping[str, Any]) -> RunConfig:
        """Return the base run with a configuration laid over it, and `changes`, which have the last word, over both."""
        searched: dict[str, Any] = {}
        without = []
        for name, value in params.items():
            dimension = self.space[name]
            searched |= dimension.changes(value)
            above = any(f"{dimension.field}.".startswith(f"{path}.") for path in changes)
            if dimension.leaves_out(value) and not above:
                without.append(dimension.field)
        return with_changes(self.base, {**searched, **changes}, without=without)
