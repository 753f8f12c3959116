"""The drawn world: coloured shapes on patterned backgrounds, with everything about each picture known.

The shape is the class; colour, size, position, rotation and background are nuisance. Shape colours are dark and
background colours light: with one palette for both, every tiny model learns the shapes slowly or not at all.
Two styles: `web` is clean, the corpus on which the tiny models are trained; `target` adds what a cheap camera adds
(noise, scratches, blur, exposure), because clean shapes leave augmentation nothing to gain.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SIZE = 32
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "heart", "moon")
SCALES = ("small", "large")
PATTERNS = ("plain", "striped", "dotted")
COLOURS = {
    "red": (200, 30, 35),
    "green": (20, 120, 45),
    "blue": (30, 50, 190),
    "purple": (120, 30, 140),
    "black": (25, 25, 30),
}
BACKGROUNDS = {
    "white": (245, 245, 245),
    "yellow": (250, 230, 110),
    "pink": (250, 185, 205),
    "cyan": (150, 230, 240),
    "gray": (185, 185, 190),
}
FIELDS = {
    "shape": SHAPES,
    "scale": SCALES,
    "colour": tuple(COLOURS),
    "pattern": PATTERNS,
    "background": tuple(BACKGROUNDS),
}
RADIUS = {"small": (6.5, 8.0), "large": (10.0, 12.0)}


@dataclass(frozen=True)
class Drawings:
    """N pictures and what they show.

    images: uint8 (N, 32, 32, 3); masks: float32 (N, 32, 32), share of each pixel that the shape covers;
    fields: int64 (N,) for each name in FIELDS, an index into its values.
    """

    images: np.ndarray
    masks: np.ndarray
    fields: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.images)

    def words(self, index: int) -> dict[str, str]:
        """The five words of one picture, by field."""
        return {name: FIELDS[name][values[index]] for name, values in self.fields.items()}


def draw(rng: np.random.Generator, count: int, *, target_share: float, shapes: np.ndarray | None = None) -> Drawings:
    """Draw `count` pictures, about `target_share` of them in target style; `shapes` fixes the class of each."""
    fields = {name: rng.integers(len(values), size=count) for name, values in FIELDS.items()}
    if shapes is not None:
        fields["shape"] = np.asarray(shapes)
    geometry = random_geometry(rng, fields["scale"])
    masks = shape_masks(fields["shape"], geometry)
    canvas = compose(rng, fields, masks)
    target = rng.random(count) < target_share
    canvas[target] = photograph(rng, canvas[target])
    return Drawings(to_uint8(canvas), masks, fields)


def random_geometry(rng: np.random.Generator, scale: np.ndarray) -> dict[str, np.ndarray]:
    """Radius and centre in pixels, rotation in radians (within 20 degrees); the whole shape stays in the picture."""
    low, high = np.array([RADIUS[name] for name in SCALES])[scale].T
    radius = rng.uniform(low, high)
    room = SIZE / 2 - radius - 1
    centre = SIZE / 2 + rng.uniform(-1, 1, (2, len(scale))) * room
    angle = np.deg2rad(rng.uniform(-20, 20, len(scale)))
    return {"radius": radius, "x": centre[0], "y": centre[1], "angle": angle}


def shape_masks(shape: np.ndarray, geometry: dict[str, np.ndarray]) -> np.ndarray:
    """Antialiased coverage in [0, 1], float32 (N, 32, 32), from signed distances in pixels."""
    x, y = unit_coordinates(geometry)
    masks = np.zeros((len(shape), SIZE, SIZE), np.float32)
    for index, name in enumerate(SHAPES):
        rows = shape == index
        distance = DISTANCES[name](x[rows], y[rows]) * geometry["radius"][rows, None, None]
        masks[rows] = np.clip(0.5 - distance, 0, 1)
    return masks


def unit_coordinates(geometry: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres in the frame of each shape: origin at its centre, y upwards, 1 = its radius."""
    grid = np.arange(SIZE) + 0.5
    dx = (grid[None, None, :] - geometry["x"][:, None, None]) / geometry["radius"][:, None, None]
    dy = -(grid[None, :, None] - geometry["y"][:, None, None]) / geometry["radius"][:, None, None]
    cos, sin = (f(geometry["angle"])[:, None, None] for f in (np.cos, np.sin))
    return cos * dx + sin * dy, -sin * dx + cos * dy


def _triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    side = np.sqrt(3) / 2 * np.abs(x) + (y + 0.1) / 2
    return np.maximum(side - 0.52, -(y + 0.1) - 0.52)


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    sector = 2 * np.pi / 5
    angle = np.abs((np.arctan2(x, y) + sector / 2) % sector - sector / 2)
    radius = np.hypot(x, y)
    tip, notch = np.array([1.05, 0.0]), 0.48 * np.array([np.cos(sector / 2), np.sin(sector / 2)])
    normal = np.array([notch[1] - tip[1], tip[0] - notch[0]]) / np.hypot(*(tip - notch))
    return (radius * np.cos(angle) - tip[0]) * normal[0] + radius * np.sin(angle) * normal[1]


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x), np.abs(y)
    return np.minimum(np.maximum(x - 1, y - 0.3), np.maximum(x - 0.3, y - 1))


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x) * 0.62, y * 0.62 + 0.5
    lobe = np.hypot(x - 0.25, y - 0.75) - np.sqrt(2) / 4
    foot = np.maximum(x + y, 0) / 2
    body = np.sqrt(np.minimum(x**2 + (y - 1) ** 2, (x - foot) ** 2 + (y - foot) ** 2)) * np.sign(x - y)
    return np.where(x + y > 1, lobe, body) / 0.62


def _moon(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.hypot(x, y) - 1, 0.78 - np.hypot(x - 0.5, y - 0.12))


DISTANCES = {
    "circle": lambda x, y: np.hypot(x, y) - 0.92,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) - 0.8,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.74) - 0.24,
    "heart": _heart,
    "moon": _moon,
}


def compose(rng: np.random.Generator, fields: dict[str, np.ndarray], masks: np.ndarray) -> np.ndarray:
    """Shapes over backgrounds, float32 (N, 32, 32, 3) in [0, 1]; every colour is jittered a little."""
    ink = jittered(rng, COLOURS, fields["colour"])
    paper = jittered(rng, BACKGROUNDS, fields["background"])
    shade = 1 - 0.2 * pattern_masks(rng, fields["pattern"])[..., None]
    cover = masks[..., None]
    return (cover * ink + (1 - cover) * paper * shade).astype(np.float32)


def jittered(rng: np.random.Generator, palette: dict[str, tuple[int, int, int]], index: np.ndarray) -> np.ndarray:
    """Colours of a palette by index, float (N, 1, 1, 3) in [0, 1], each with its own Gaussian noise (8 of 255)."""
    colours = np.array(list(palette.values()))[index] + rng.normal(0, 8, (len(index), 3))
    return np.clip(colours / 255, 0, 1)[:, None, None, :]


def pattern_masks(rng: np.random.Generator, pattern: np.ndarray) -> np.ndarray:
    """Where the background is darker, in [0, 1]: nowhere, in stripes, or in dots; random angle, period and phase."""
    count = len(pattern)
    angle, phase = rng.uniform(0, np.pi, count), rng.uniform(0, 2 * np.pi, (2, count))
    period = rng.uniform(5, 8, count)
    grid = np.arange(SIZE)
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    along = (cos * grid[None, None, :] + sin * grid[None, :, None]) * (2 * np.pi / period)[:, None, None]
    across = (cos * grid[None, :, None] - sin * grid[None, None, :]) * (2 * np.pi / period)[:, None, None]
    waves = np.sin(along + phase[0][:, None, None]), np.sin(across + phase[1][:, None, None])
    stripes = np.clip(0.5 + 2 * waves[0], 0, 1)
    dots = np.clip(0.5 + 2 * (waves[0] + waves[1] - 0.7), 0, 1)
    return np.choose(pattern[:, None, None], [np.zeros_like(stripes), stripes, dots])


def photograph(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Target style: blur, one to three scratches, exposure, sensor noise."""
    shots = np.empty_like(canvas)
    for index, image in enumerate(canvas):
        blurred = ndimage.gaussian_filter(image, (*[rng.uniform(0, 0.8)] * 2, 0))
        shots[index] = scratched(rng, blurred) * rng.uniform(0.7, 1.15)
    return np.clip(shots + rng.normal(0, 0.06, shots.shape), 0, 1)


def scratched(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """One to three straight lines of random colour, one pixel wide, over float (32, 32, 3)."""
    grid = np.arange(SIZE) + 0.5
    for _ in range(rng.integers(1, 4)):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-10, 10)
        distance = (grid[None, :] - 16) * np.cos(angle) + (grid[:, None] - 16) * np.sin(angle) - offset
        line = 0.8 * np.clip(1 - np.abs(distance), 0, 1)[..., None]
        image = image * (1 - line) + rng.uniform(0, 1, 3) * line
    return image


def to_uint8(canvas: np.ndarray) -> np.ndarray:
    """Floats in [0, 1], others cut off, to the nearest of 0 to 255; same shape."""
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
