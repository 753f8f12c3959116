"""Sampling a language model without ambient randomness: each token is picked by a number that was drawn beforehand."""

import torch
from transformers import LogitsProcessor


def numbers_for(seed: int, sequences: int, length: int) -> torch.Tensor:
    """float64 (sequences, length) in [0, 1), on the CPU: all the chance there is in these sequences."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(sequences, length, generator=generator, dtype=torch.float64)


class PickByNumber(LogitsProcessor):
    """Turns greedy decoding into sampling: leaves only the token at which the cumulated probability passes a number.

    `numbers` (sequences, positions) in [0, 1), one for each sequence and the position that is decided next.
    """

    def __init__(self, numbers: torch.Tensor) -> None:
        self.numbers = numbers

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
        number = self.numbers[:, input_ids.shape[1], None] * cumulated[:, -1:]
        token = torch.searchsorted(cumulated, number, right=True).clamp_max(scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, token, 0.0)
