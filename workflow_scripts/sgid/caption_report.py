"""The page of a caption report: numbers, charts and samples put into its template, which escapes whatever it is given.

Formatting only: every number comes from `caption_statistics`, every place in a chart from `caption_charts`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sgid.caption_charts import Chart, curve_chart, histogram_chart, outlines_chart
from sgid.caption_samples import Sample
from sgid.guidance import Guidance, guidance_for
from sgid.html_pages import page_environment
from sgid.prompts import PromptRecipe

MOST_CLASSES = 200
NO_BREAK = "\N{NO-BREAK SPACE}"
CHOICES = {
    "nucleus": "one of the nucleus captions, at random",
    "beam": "one of the beam captions, at random",
    "filter": "of both samplers' captions, the most similar to the image",
}
READINGS = {
    "cosine": "the caption's CLIP cosine with the image",
    "softmax": "the softmax of the CLIP cosines of an image's candidates",
    "clipscore": "2.5 times the CLIP cosine, at least 0",
    "blip_itc": "the caption's cosine with the image in BLIP's contrastive space",
}


@dataclass(frozen=True)
class Heading:
    """What a report is about.

    `similarity_mode`: the reading of s*; `tokens`: the limit of a prompt; `commit`: of the code that made the page.
    """

    dataset: str
    title: str
    recipe: str
    prompts: PromptRecipe
    similarity_mode: str
    tokens: int
    miniature: bool
    commit: str

    @property
    def space(self) -> str:
        """Where images and texts are compared."""
        return "BLIP" if self.similarity_mode == "blip_itc" else "CLIP"

    @property
    def reading(self) -> str:
        """What s* is."""
        return READINGS[self.similarity_mode]

    @property
    def choice(self) -> str:
        """How the caption of a prompt is chosen."""
        return CHOICES[self.prompts.captions]

    @property
    def guidance(self) -> str:
        """How guidance follows, as a formula."""
        how = self.prompts.guidance
        formulas = {"literal": "g = f(s*)", "scaled": f"g = {how.base:g} × f(s*)", "constant": f"g = {how.value:g}"}
        return formulas[how.mode]


def beams_of(captions: Sequence[Mapping]) -> dict[str, list[int]]:
    """By sampler, the different numbers of beams that its captions record; none where it does not search."""
    found: dict[str, set[int]] = {}
    for row in captions:
        found.setdefault(row["sampler"], set()).update({row["beams"]} - {0})
    return {sampler: sorted(beams) for sampler, beams in found.items()}


def charts(histograms: Mapping, similarity: Mapping, guidance: Guidance, *, space: str) -> list[Chart]:
    """The four charts of a page."""

    def curve(value: float) -> float:
        return guidance_for(value, guidance)[0]

    return [
        histogram_chart(histograms["similarity"], title="Similarity s* of the chosen caption", x_label="s*"),
        histogram_chart(histograms["guidance"], title="Guidance scale g", x_label="g"),
        curve_chart(curve, similarity, title="Guidance over similarity"),
        outlines_chart(histograms["cosine"], title="Cosines by sampler", x_label=f"cosine ({space}) with the image"),
    ]


def render_report(template: str, heading: Heading, numbers: Mapping, samples: Sequence[Sample]) -> str:
    """The page as HTML. `template`: Jinja; `numbers`: from `caption_statistics`."""
    drawn = charts(numbers["histograms"], numbers["similarity"], heading.prompts.guidance, space=heading.space)
    return (
        page_environment(FORMATS)
        .from_string(template)
        .render(
            heading=heading,
            numbers=numbers,
            samples=samples,
            charts=drawn,
            longest=longest_bar(samples),
            most_classes=MOST_CLASSES,
        )
    )


def longest_bar(samples: Sequence[Sample]) -> float:
    """The cosine of a bar of full length: the largest that is shown, so that bars of all images compare."""
    shown = [each.cosine for one in samples for each in one.captions] + [one.label_cosine for one in samples]
    return max((value for value in shown if math.isfinite(value)), default=1.0)


def bar_width(cosine: float, longest: float) -> str:
    """Percent of the longest bar; none for what is below 0 or no number."""
    return f"{100 * cosine / longest:.1f}" if math.isfinite(cosine) and cosine > 0 else "0"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number with a true minus sign; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else "not a number"


def thousands(value: int) -> str:
    """50,000"""
    return f"{value:,}"


def share(count: int, of: int) -> str:
    """`12 (1.2 %)`; no percentage of nothing, and none that rounds a few to 0. Breaks before the bracket only."""
    if not of:
        return thousands(count)
    percent = 100 * count / of
    shown = f"<{NO_BREAK}0.1" if 0 < percent < 0.05 else f"{percent:.1f}"
    return f"{count:,} ({shown}{NO_BREAK}%)"


def short(value: float | None) -> str:
    """A number with as many decimals as it needs, two at most."""
    return "–" if value is None else f"{round(value, 2):g}"


FORMATS = {
    "bar": bar_width,
    "decimal": decimal,
    "is_number": math.isfinite,
    "share": share,
    "short": short,
    "thousands": thousands,
}
