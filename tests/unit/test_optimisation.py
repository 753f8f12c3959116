"""The learning rate, the averaged weights and the network's own chance."""

import pytest
import torch
from torch import nn

from sgid.backbones import Recipe
from sgid.optimisation import (
    autocast,
    averaged,
    network_randomness,
    optimizer_of,
    own_randomness,
    rate_share,
    set_network_randomness,
    set_rate,
    training_step,
)

RECIPE = Recipe("sgd", learning_rate=1.0, weight_decay=0.0, epochs=1, batch_size=1, warmup=0.1)
CPU = torch.device("cpu")


def test_the_learning_rate_warms_up_and_falls_to_nothing_by_a_cosine():
    shares = [rate_share(step, 100, RECIPE) for step in range(101)]
    assert shares[:10] == sorted(shares[:10])
    assert shares[10] == max(shares) == 1
    assert shares[55] == pytest.approx(0.5)
    assert shares[100] == pytest.approx(0)


def test_an_unknown_schedule_is_refused_before_the_warm_up_is_over():
    wrong = Recipe("sgd", learning_rate=1.0, weight_decay=0.0, epochs=1, batch_size=1, warmup=0.5, schedule="linear")
    with pytest.raises(ValueError, match=r"schedule 'linear' is not defined \(have: cosine, constant\)"):
        rate_share(0, 100, wrong)


def test_the_rate_of_a_step_is_of_all_parameters():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
    set_rate(optimizer, 0.25)
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert model.weight.item() == -0.25


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_only_what_is_trained_is_given_to_the_optimizer(name):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    recipe = Recipe(name, learning_rate=0.1, weight_decay=0.0, epochs=1, batch_size=1)
    given = [value for group in optimizer_of(model, recipe).param_groups for value in group["params"]]
    assert {id(value) for value in given} == {id(value) for value in model[1].parameters()}


def test_sgd_may_have_no_momentum():
    recipe = Recipe("sgd", learning_rate=0.1, weight_decay=0.0, epochs=1, batch_size=1, momentum=0.0)
    assert optimizer_of(nn.Linear(1, 1), recipe).defaults["momentum"] == 0


@pytest.mark.parametrize("fast", [True, False])
def test_a_gpu_that_only_emulates_bfloat16_is_not_given_it(monkeypatch, fast):
    def supported(including_emulation=True):
        return including_emulation or fast

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    with autocast(torch.device("cuda")):
        assert torch.is_autocast_enabled("cuda") == fast
    with autocast(CPU):
        assert not torch.is_autocast_enabled("cpu")


def test_gradients_are_cut_to_the_largest_norm():
    model = nn.Linear(4, 3)
    recipe = Recipe("sgd", 1.0, 0.0, epochs=1, batch_size=8, gradient_clip=0.01, momentum=0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = [value.detach().clone() for value in model.parameters()]
    batch, targets = 50 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.eye(3)[[0] * 8]
    training_step(model, batch, targets, optimizer=optimizer, recipe=recipe)
    moved = [now.detach() - then for now, then in zip(model.parameters(), before, strict=True)]
    assert torch.cat([change.flatten() for change in moved]).norm().item() == pytest.approx(0.01, rel=1e-3)


def test_averaged_weights_and_buffers_follow_the_formula():
    model = nn.BatchNorm1d(2)
    average, wanted = averaged(model, 0.9), None
    for value in (1.0, 2.0, 4.0):
        nn.init.constant_(model.weight, value)
        model.running_mean.fill_(10 * value)
        average.update_parameters(model)
        wanted = value if wanted is None else 0.9 * wanted + 0.1 * value
    torch.testing.assert_close(average.module.weight.detach(), torch.full((2,), wanted))
    torch.testing.assert_close(average.module.running_mean, torch.full((2,), 10 * wanted))


def test_without_ema_nothing_is_averaged():
    assert averaged(nn.Linear(1, 1), None) is None


def test_the_networks_chance_is_the_seeds_and_leaves_the_global_state_alone():
    before, drawn = torch.get_rng_state(), []
    for seed in (1, 1, 2):
        with own_randomness(seed, CPU):
            drawn.append(torch.rand(4))
        torch.rand(3)
        torch.set_rng_state(before)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_the_global_state_is_as_it_was_behind_a_run():
    before = torch.get_rng_state()
    with own_randomness(1, CPU):
        torch.rand(4)
    assert torch.equal(before, torch.get_rng_state())


def test_on_a_machine_of_several_gpus_the_stream_of_the_networks_own_one_is_kept(monkeypatch):
    second, streams = torch.device("cuda:1"), {0: torch.tensor([0]), 1: torch.tensor([1])}

    def set_stream(state, device=0):
        streams[torch.device(device).index] = state

    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device=0: streams[torch.device(device).index])
    monkeypatch.setattr(torch.cuda, "set_rng_state", set_stream)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    with own_randomness(1, second):
        states = network_randomness(second)
        streams[1] = torch.tensor([7])
        set_network_randomness(states, second)
        assert (streams[0].item(), streams[1].item()) == (0, 1)
        streams[1] = torch.tensor([8])
    assert (streams[0].item(), streams[1].item()) == (0, 1)


def test_the_networks_chance_can_be_put_back():
    with own_randomness(1, CPU):
        states = network_randomness(CPU)
        first = torch.rand(4)
        set_network_randomness(states, CPU)
        assert torch.equal(first, torch.rand(4))
