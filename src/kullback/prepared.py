"""A model and its rows after the first pass, in the unit that they are fitted in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

from kullback.data.sample import RowSource
from kullback.engines.choice import EngineFactory
from kullback.engines.engine import Engine, Report
from kullback.models.model import Model
from kullback.objective.first_pass import FirstPass, first_pass
from kullback.results.sample_info import SampleInfo
from kullback.results.unit import Unit


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """A model and a sample after the first pass.

    Attributes:
        unit: the unit that the rows are fitted in, with the model and the sample in it.
        known: the results of the first pass.
        engine: adds statistics up over the rows in this unit.
        passes: number of passes of the engine before it.
    """

    unit: Unit
    known: FirstPass
    engine: Engine
    passes: int

    @classmethod
    def of(
        cls,
        model: Model,
        sample: RowSource,
        engine_of: EngineFactory,
        report: Report | None,
    ) -> Prepared:
        """Read the sample once, or twice where another unit suits it."""
        engine = engine_of(sample)
        engine.progress = report
        known = first_pass(model, sample, engine.reduce, engine.first_block)
        unit = Unit.of(model, sample, known.summary)
        passes = 0
        if unit.power:
            passes = engine.passes
            engine = engine_of(unit.sample)
            engine.progress = report
            known = first_pass(unit.model, unit.sample, engine.reduce, engine.first_block)
        return cls(unit, known, engine, passes)

    @cached_property
    def sample_info(self) -> SampleInfo:
        """The facts about the sample that a fit stores."""
        return SampleInfo.of(self.unit.sample, self.known)
