import torch

from sgid.picking import PickByNumber, numbers_for


def test_picked_tokens_follow_the_probabilities():
    numbers = (torch.arange(1000, dtype=torch.float64) + 0.5)[:, None] / 1000
    scores = torch.tensor([0.2, 0.0, 0.5, 0.3]).log().expand(1000, -1)
    picked = PickByNumber(numbers)(torch.empty(1000, 0), scores).argmax(dim=-1)
    assert picked.bincount(minlength=4).tolist() == [200, 0, 500, 300]


def test_only_tokens_of_some_probability_are_picked():
    scores = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]] * 2)
    numbers = torch.tensor([[0.0], [1 - 2**-53]], dtype=torch.float64)
    assert PickByNumber(numbers)(torch.empty(2, 0), scores).argmax(dim=-1).tolist() == [1, 3]


def test_the_number_of_a_position_is_that_of_the_token_decided_next():
    numbers = torch.tensor([[0.9, 0.1]], dtype=torch.float64)
    scores = torch.zeros(1, 2)
    picked = [PickByNumber(numbers)(torch.empty(1, position), scores).argmax().item() for position in (0, 1)]
    assert picked == [1, 0]


def test_numbers_are_those_of_their_seed_and_leave_ambient_randomness_alone():
    state = torch.get_rng_state()
    assert torch.equal(numbers_for(3, 2, 5), numbers_for(3, 2, 5))
    assert not torch.equal(numbers_for(3, 2, 5), numbers_for(4, 2, 5))
    assert torch.equal(torch.get_rng_state(), state)
