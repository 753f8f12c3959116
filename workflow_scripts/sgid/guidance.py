"""Caption similarity to classifier-free guidance (paper, section 4.2), and the readings of it that config may name."""

from dataclasses import dataclass

MODES = ("literal", "scaled", "constant")


@dataclass(frozen=True)
class Guidance:
    """How the guidance scale g of an image is found.

    `literal`: g = f(s*), as the paper writes it. `scaled`: g = base · f(s*), f read as a factor on the usual 7.5.
    `constant`: g = value, whatever the caption (Text2Img and InstructPix2Pix in their own papers).
    """

    mode: str = "literal"
    base: float = 7.5
    value: float = 7.5

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"guidance.mode: {self.mode!r} is not defined (have: {', '.join(MODES)})")


def guidance_scale(similarity: float) -> float:
    """f(s) = -4 s² + 2 s + 1 (paper, section 4.2): 1 at s = 0 and 0.5, at most 1.25 (s = 0.25), negative from 0.81."""
    return -4 * similarity**2 + 2 * similarity + 1


def guidance_for(similarity: float, rule: Guidance) -> tuple[float, bool]:
    """Guidance g >= 0 for one image, and whether it had to be clamped: below 0 it would push away from the prompt."""
    if rule.mode == "constant":
        return rule.value, False
    scale = guidance_scale(similarity) * (rule.base if rule.mode == "scaled" else 1.0)
    return max(scale, 0.0), scale < 0
