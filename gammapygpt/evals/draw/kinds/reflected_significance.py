"""How significant is a source, with background from reflected regions?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gammapygpt.evals.draw.archive import Archive
from gammapygpt.evals.draw.draft import SIGMA, Asked, Draft, Way
from gammapygpt.evals.draw.regions import extraction
from gammapygpt.evals.draw.truth import expected_excess
from gammapygpt.evals.draw.words import pick, prompt

if TYPE_CHECKING:
    from numpy.random import Generator

FIELD = "steady"
LIVETIME = "livetime = sum(observation.observation_live_time_duration for observation in observations)"
SIGNIFICANCE = "significance = statistic.sqrt_ts"


def draft(archive: Archive, rng: Generator) -> Draft:
    """Draw region, energies, and which of the counts are asked for."""
    field = archive.steady
    drawn = extraction(archive, field, rng)
    excess = expected_excess(field, drawn.low_tev, drawn.high_tev, drawn.on_radius_deg)
    livetime_s = field.livetime_s * field.n_observations
    unit, seconds = pick(rng, [("min-1", 60), ("h-1", 3600), ("s-1", 1)])
    asked = [
        Asked("n_on", ("n_on",), "total counts in the ON region", rel_tol=0.005, abs_tol=1),
        Asked("excess", ("excess",), "background-subtracted counts", truth=excess, rel_tol=0.01),
        Asked("significance", ("significance",), "Li & Ma significance", SIGMA, rel_tol=0.02),
    ]
    rate = Asked(
        "excess_rate",
        ("excess_rate",),
        "excess counts over total livetime",
        unit,
        excess / livetime_s * seconds,
        rel_tol=0.01,
    )
    background = Asked("background", ("background",), "background counts expected in the ON region", rel_tol=0.03)
    asked += pick(rng, [[], [rate], [background]])
    wrong = [
        Way("all energies", {"ENERGY_MIN": 0.1, "ENERGY_MAX": 100.0}),
        Way("ON radius taken for the diameter", {"ON_RADIUS": drawn.on_radius_deg / 2}),
        Way(
            "significances of the runs added up",
            lines={SIGNIFICANCE: "significance = sum(dataset.info_dict()['sqrt_ts'] for dataset in datasets)"},
        ),
        Way("excess over the root of the background", lines={SIGNIFICANCE: SIGNIFICANCE_OF_A_STUDENT}),
        Way("OFF counts not scaled", lines={"excess = n_on - alpha * n_off": "excess = n_on - n_off"}),
        Way("one OFF region", {"OFF_REGIONS_MAX": 1}),
    ]
    if rate in asked:
        wrong.append(Way("rate over the ontime", lines={LIVETIME: LIVETIME.replace("live_time", "time")}))
    return Draft(
        title=f"Reflected-regions significance, {drawn.low_tev:g}-{drawn.high_tev:g} TeV",
        family="ReflectedSignificance",
        difficulty="medium",
        prompt=prompt(rng, "reflected_significance", drawn.words, asked),
        script="reflected_significance",
        constants=drawn.constants,
        asked=asked,
        accepted=[
            Way("no exclusion", {"EXCLUSION_RADIUS": 0}),
            Way("larger exclusion", {"EXCLUSION_RADIUS": drawn.constants["EXCLUSION_RADIUS"] + 0.1}),
            Way("5 bins per decade", {"BINS_PER_DECADE": 5}),
        ],
        wrong=wrong,
    )


SIGNIFICANCE_OF_A_STUDENT = "significance = excess / np.sqrt(alpha * n_off)"
