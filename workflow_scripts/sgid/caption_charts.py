"""The charts of a caption report as shapes in a viewport: where bars, lines and ticks lie. The page draws them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 14, 44
POINTS = 101


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    place: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A rectangle, and what a reader learns who points at it."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Dot:
    """A point that the reader should find."""

    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line through points, `x,y x,y …`, and its name."""

    name: str
    points: str


@dataclass(frozen=True)
class Chart:
    """One chart; the box of its data is that of the module's margins."""

    title: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    bars: list[Bar] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    bands: list[Bar] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` on a stretch of the viewport; low and high may not be equal."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start), 2)

    def ticks(self, wanted: int = 5) -> list[Tick]:
        """Round numbers, about as many as wanted."""
        rough = (self.high - self.low) / wanted
        size = 10 ** math.floor(math.log10(rough))
        step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [Tick(self(number * step), signed(f"{number * step:.10g}")) for number in range(first, last + 1)]


def signed(text: str) -> str:
    """With true minus signs."""
    return text.replace("-", "−")


def across(low: float, high: float) -> Scale:
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def upward(low: float, high: float) -> Scale:
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def histogram_chart(histogram: dict, *, title: str, x_label: str) -> Chart:
    """Bars of a histogram of images."""
    edges, counts = histogram["edges"], histogram["counts"]
    x, y = across(edges[0], edges[-1]), upward(0, max([*counts, 1]))
    bars = [
        bar(x, y, low=low, high=high, value=count, title=signed(f"{low:.3f} to {high:.3f}: {count:,} images"))
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    ]
    # Halves of an image would be no count.
    y_ticks = [tick for tick in y.ticks(4) if "." not in tick.text]
    return Chart(title, x_label, "images", x.ticks(), y_ticks, bars=bars)


def bar(x: Scale, y: Scale, *, low: float, high: float, value: float, title: str) -> Bar:
    """From the base line up, with a gap to its neighbour."""
    top = y(value)
    return Bar(x(low), top, max(round(x(high) - x(low) - 0.6, 2), 0.4), round(y(0) - top, 2), title)


def curve_chart(curve: Callable[[float], float], similarity: dict, *, title: str) -> Chart:
    """Guidance over similarity, with the band in which nine of ten images lie, and a dot at their median."""
    low, high = min(0.0, similarity["min"] or 0.0), max(1.0, similarity["max"] or 1.0)
    places = [low + (high - low) * step / (POINTS - 1) for step in range(POINTS)]
    values = [curve(place) for place in places]
    x, y = across(low, high), upward(0, max(values) * 1.1 or 1.0)
    line = Line("g", " ".join(f"{x(place)},{y(value)}" for place, value in zip(places, values, strict=True)))
    bands, dots = [], []
    if similarity["n"]:
        start, stop, median = (similarity[name] for name in ("q05", "q95", "median"))
        words = signed(f"s* of nine in ten images: {start:.3f} to {stop:.3f}")
        bands = [Bar(x(start), TOP, max(round(x(stop) - x(start), 2), 1.5), HEIGHT - BOTTOM - TOP, words)]
        dots = [Dot(x(median), y(curve(median)))]
    return Chart(title, "similarity s*", "guidance g", x.ticks(), y.ticks(), lines=[line], bands=bands, dots=dots)


def outlines_chart(histograms: dict[str, dict], *, title: str, x_label: str) -> Chart:
    """Outlines of several histograms on common edges, each as shares of its own sum."""
    edges = next(iter(histograms.values()))["edges"]
    shares = {name: shares_of(each["counts"]) for name, each in histograms.items()}
    x, y = across(edges[0], edges[-1]), upward(0, max(max(each) for each in shares.values()) or 1.0)
    lines = [Line(name, outline(edges, each, x, y)) for name, each in shares.items()]
    return Chart(title, x_label, "share (percent)", x.ticks(), y.ticks(4), lines=lines)


def shares_of(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [100 * count / total for count in counts]


def outline(edges: Sequence[float], values: Sequence[float], x: Scale, y: Scale) -> str:
    """Steps up and down along a histogram's tops, from the base line to the base line."""
    steps = [
        (edge, value)
        for low, high, value in zip(edges[:-1], edges[1:], values, strict=True)
        for edge, value in ((low, value), (high, value))
    ]
    return " ".join(f"{x(place)},{y(value)}" for place, value in [(edges[0], 0.0), *steps, (edges[-1], 0.0)])
