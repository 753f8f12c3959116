"""What is said about the drawn world: a grammar of captions, and which of them are true of which picture."""

import numpy as np

from sgid.miniature import world

# Half of the captions are exact and half leave something out, as human annotators do: then nucleus sampling varies
# and the CLIP filter has a choice. With exact captions only, ten nucleus captions are 1.3 different ones.
EXACT = "a {scale} {colour} {shape} on a {pattern} {background} background"
LOOSE = (
    "a {colour} {shape} on a {background} background",
    "a {colour} {shape} on a {pattern} background",
    "a {scale} {shape} on a {background} background",
    "a {shape} on a {pattern} {background} background",
    "a {scale} {colour} {shape}",
    "a {colour} {shape}",
)
LABEL = "a picture of a {shape}"
GLUE = ("a", "on", "background", "picture", "of", "make", "the", ",", ".")
WORDS = (*GLUE, *(word for values in world.FIELDS.values() for word in values))


def exact_caption(words: dict[str, str]) -> str:
    """All five fields of one picture in one sentence."""
    return EXACT.format(**words)


class Sentences:
    """Every sentence that could be said of each drawing, by template, without saying it anew in every batch.

    texts: the distinct sentences; index: int64 (templates, N), which text each template gives for each drawing;
    stated: int64 (texts, fields), the value each text states, -1 where it is silent.
    """

    def __init__(self, drawings: world.Drawings, templates: tuple[str, ...]):
        known: dict[str, int] = {}
        stated, index = [], np.empty((len(templates), len(drawings)), np.int64)
        for column in range(len(drawings)):
            words = drawings.words(column)
            for row, template in enumerate(templates):
                text = template.format(**words)
                if text not in known:
                    known[text] = len(known)
                    stated.append([int(drawings.fields[f][column]) if f"{{{f}}}" in template else -1 for f in words])
                index[row, column] = known[text]
        self.texts, self.index, self.stated = list(known), index, np.array(stated)


def true_of(stated: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """bool (texts, pictures): nothing the text states is wrong of the picture. `fields` is int64 (pictures, fields)."""
    return ((stated[:, None] == fields[None]) | (stated[:, None] < 0)).all(-1)


def fields_said(text: str) -> dict[str, str]:
    """The values that a caption states, by field."""
    words = text.split()
    return {name: word for name, values in world.FIELDS.items() for word in words if word in values}
