"""A plan made and written: the configuration and what is there in, files and a text for the terminal out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sgid.lease import asked_of_driver
from sgid.matrix import CHOSEN, Matrix
from sgid.planning.amounts import ASSUMED_RATE, Amounts, Found
from sgid.planning.build import Build
from sgid.planning.estimates import Device
from sgid.planning.found import device_of, found_in, of_device, rate_in
from sgid.planning.graph import Graph, Job
from sgid.planning.groups import JobGroups
from sgid.planning.pages import AUGMENT
from sgid.planning.plan_report import as_csv, as_json, markdown
from sgid.planning.rates import ESTIMATE, NO_COST, Cost, Rates, benchmark_seconds, measured_rates, own_rates
from sgid.planning.summary import Summary, summarise
from sgid.planning.terminal import plan_text
from sgid.planning.traces import MARKERS, markers_in
from sgid.references import ConfigError
from sgid.runtime import write_text

DEFAULT_DEVICE = "H200"
SLOW_DEVICE = "A100"  # of those that this is run on, where a time limit must not be too short
BENCHMARKS = Path("benchmarks/results")
FOLDER = Path("results/plan")


@dataclass(frozen=True)
class Plan:
    """What a configuration builds under some names, from the folder that is worked in.

    found: what results say of the work that is left.
    """

    config: Mapping[str, Any]
    names: Sequence[str]
    found: Callable[[Matrix], Found] = found_in

    @cached_property
    def matrix(self) -> Matrix:
        """The experiments."""
        return Matrix(dict(self.config))

    @cached_property
    def build(self) -> Build:
        """Its jobs and their work."""
        return Build(self.matrix, Amounts(self.matrix, self.found(self.matrix)))

    @cached_property
    def graph(self) -> Graph:
        """The jobs behind the names."""
        return self.build.graph(self.names)

    @property
    def datasets(self) -> set[str]:
        """The data sets of the whole build and of the names."""
        jobs = self.build.graph([*self.config["build"], *self.names]).jobs
        return {job.names["dataset"] for job in jobs if "dataset" in job.names}

    @cached_property
    def unfinished(self) -> set[str]:
        """Outputs that were begun and not finished, which Snakemake makes again."""
        return set(markers_in(MARKERS))

    def is_there(self, path: str) -> bool:
        """Whether a file exists here, whole."""
        return path not in self.unfinished and Path(path).exists()

    @cached_property
    def waiting(self) -> list[Job]:
        """The jobs that are to be done."""
        todo = self.graph.to_do(self.is_there)
        return [job for job in self.graph.jobs if job in todo]

    @cached_property
    def finished(self) -> list[Job]:
        """The jobs whose seconds are known by a benchmark."""
        return [job for job in self.graph.jobs if Path(job.benchmark).exists()]

    @cached_property
    def device(self) -> tuple[Device, list[str]]:
        """The device planned for and the names that drivers give it: the one asked for, of finished jobs, or ours."""
        return self._device(self._known or self._first(asked_of_driver("name", patience=10)) or DEFAULT_DEVICE)

    @cached_property
    def _known(self) -> str | None:
        """The device by name: the one asked for, or of finished jobs; None where neither says which it will be."""
        return self.config["plan_device"] or self._first(map(device_of, self.finished))

    def _first(self, seen: Iterable[str]) -> str | None:
        """The first device of the configuration among the names that drivers give."""
        return next(filter(None, map(self._named, seen)), None)

    def _device(self, name: str) -> tuple[Device, list[str]]:
        entry = self.config["devices"][name]
        return Device.of(name, entry), entry["names"]

    def _named(self, seen: str) -> str | None:
        """The device of the configuration that a driver means."""
        known = self.config["devices"].items()
        return next((name for name, entry in known if any(p.lower() in seen.lower() for p in entry["names"])), None)

    @cached_property
    def rates(self) -> Rates:
        """Figures for the device, by what finished here on such a device first."""
        return self._rates_on(*self.device)

    def _rates_on(self, device: Device, names: list[str]) -> Rates:
        finished = of_device(self.finished, names)
        return Rates(device, own_rates(finished, benchmark_seconds), measured_rates(BENCHMARKS, names))

    @cached_property
    def cautious_rates(self) -> Rates:
        """The same, by a slower device than is planned for where nothing says which it will be."""
        return self.rates if self._known else self._rates_on(*self._device(SLOW_DEVICE))

    def _graph_of(self, names: Sequence[str]) -> Graph | None:
        """The jobs behind names; None where a rule of one's own is among them, of which `snakemake plan` says it."""
        try:
            return self.build.graph(names)
        except ConfigError:
            return None

    @cached_property
    def groups(self) -> JobGroups:
        """Which jobs a cluster is sent together, and for how long: of these names, and others that a file may be of."""
        each = ((name,) for name in (*self.matrix.names, AUGMENT))
        parts = dict.fromkeys((tuple(self.names), tuple(self.config["build"]), *each))
        graphs = filter(None, map(self._graph_of, parts))
        how = {"rates": self.rates, "cautious": self.cautious_rates, "at_least": self.config["submission_minutes"]}
        return JobGroups(list(graphs), self.build.producer, **how)

    def cost(self, job: Job) -> Cost:
        """Of one job; nothing where it needs no GPU."""
        return self.rates.cost(job.work) if job.on_gpu else NO_COST

    @cached_property
    def summary(self) -> Summary:
        """In numbers."""
        return summarise(
            self.graph,
            self.rates,
            names=self.names,
            gpus=self.config["plan_gpus"],
            exists=self.is_there,
        )

    @cached_property
    def notes(self) -> list[str]:
        """What the numbers rest on."""
        rows = self.summary.rows
        notes = ["Done is what is there; `snakemake <name> -n` also knows what a change of settings outdates."]
        if any(ESTIMATE in row.basis for row in rows):
            share = f"{self.rates.device.ceiling:.3g} TFLOP/s"
            notes.append(f"`estimate`: a cost model's goals at {share}, not measured on this code (docs/cost.md).")
        drawn = {(job.names["dataset"], job.names["recipe"]) for job in self.graph.jobs if job.rule == "draw_images"}
        unread = [pair for pair in drawn if not Path(f"results/prompts/{pair[0]}/{pair[1]}.parquet").exists()]
        if unread:
            notes.append(
                f"{len(unread)} of {len(drawn)} sets have no prompts yet: all theirs are taken to need guidance."
            )
        if any(job.rule == "filter_images" for job in self.graph.jobs):
            notes.append("Trainings with filtered pictures are counted as if nothing were left out.")
        if any(job.names["noise"] == CHOSEN for job in self.graph.jobs if job.rule == "draw_images"):
            notes.append(f"Where validation has not chosen a noise rate yet, {ASSUMED_RATE} is assumed.")
        notes += filter(None, [self.groups.sentence(set(self.waiting))])
        if any(row.runs and row.naive for row in rows):
            notes.append("Naive hours of training hold for any faster GPU too: a DataLoader's loop waits for its CPU.")
        return notes

    def text(self) -> str:
        """For the terminal."""
        return plan_text(self.summary, notes=self.notes)

    def write(self, name: str, folder: Path = FOLDER) -> None:
        """As Markdown, CSV and JSON."""
        write_text(markdown(self.summary, notes=self.notes), folder / f"{name}.md")
        write_text(as_csv(self.summary), folder / f"{name}.csv")
        write_text(as_json(self.summary, notes=self.notes), folder / f"{name}.json")


def plan_to_build(config: Mapping[str, Any], asked: Sequence[str]) -> Plan:
    """Of the names asked for, else of the whole build; of none where a rule of one's own is behind them, for a build
    needs no plan to run. It reads no tables, which takes seconds, and stops where one is damaged.
    """
    plan = Plan(config, asked or config["build"], lambda _: Found(rate=rate_in))
    return plan if plan._graph_of(plan.names) else replace(plan, names=[])
