"""PyTorch models by the names of their weights."""
import numpy as np
import pytest
import torch

import hallmark
import hallmark.torch


class Conv1D(torch.nn.Module):
    """As transformers has it: y = x W + b, W [in, out]."""

    def __init__(self, out, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(size, out) * 0.1)
        self.bias = torch.nn.Parameter(torch.zeros(out))

    def forward(self, x):
        return x @ self.weight + self.bias


class Tiny(torch.nn.Module):
    """Embedding, projections that share an input, a Conv1D, a residual added in place, a tied head, and a layer that is
    never called."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.embed = torch.nn.Embedding(31, 32)
        self.q, self.k = torch.nn.Linear(32, 32, bias=False), torch.nn.Linear(32, 16)
        self.mix = Conv1D(32, 32)
        self.norm = torch.nn.LayerNorm(32)
        self.dropout = torch.nn.Dropout(0.5)
        self.spare = torch.nn.Linear(32, 8)
        self.head = torch.nn.Linear(32, 31, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, input_ids, attention_mask=None):
        x = self.dropout(self.embed(input_ids))
        y = self.q(x) + torch.nn.functional.pad(self.k(x), (0, 16))
        x += y
        return self.head(self.norm(self.mix(torch.tanh(x))))


@pytest.fixture
def model():
    return Tiny()


@pytest.fixture
def batches():
    random = np.random.default_rng(11)
    ids = torch.from_numpy(random.integers(0, 31, (3, 4, 12)))
    masks = torch.from_numpy((np.arange(12) < random.integers(3, 12, (3, 4, 1))).astype(np.int64))
    return [{"input_ids": i, "attention_mask": m} for i, m in zip(ids, masks)]


def inputs_of(model, name, batches):
    """What the layer really sees, token by token, by a hook of its own."""
    seen = []
    layer = dict(model.named_modules())[name]
    hook = layer.register_forward_pre_hook(lambda _, x: seen.append(x[0].detach().clone()))
    model.eval()
    with torch.no_grad():
        for batch in batches:
            model(**batch)
    hook.remove()
    return torch.cat([x[b["attention_mask"].bool()] for x, b in zip(seen, batches)])


def test_sums_are_those_of_the_inputs_without_padding(model, batches):
    model.train()
    calibration = hallmark.torch.calibrate(model, batches)
    assert model.training and model.dropout.training
    assert set(calibration) == {"embed.weight", "q.weight", "k.weight", "mix.weight"}
    assert calibration.unseen == {"spare.weight"} and calibration.transposed == {"mix.weight"}
    tokens = sum(int(b["attention_mask"].sum()) for b in batches)
    for weight, layer in [("q.weight", "q"), ("k.weight", "k"), ("mix.weight", "mix"), ("embed.weight", "head")]:
        expected = hallmark.Gram(32).add(inputs_of(model, layer, batches))
        assert calibration[weight].tokens == tokens == expected.tokens
        assert (calibration[weight].matrix == expected.matrix).all(), weight
    assert calibration["q.weight"] is calibration["k.weight"] is not calibration["mix.weight"]
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_batches_of_every_form(model, batches):
    plain = [{"input_ids": b["input_ids"]} for b in batches]
    expected = hallmark.torch.calibrate(model, plain)["q.weight"]
    assert expected.tokens == 144
    for form in ([b["input_ids"] for b in batches], [(b["input_ids"],) for b in batches]):
        assert (hallmark.torch.calibrate(model, form)["q.weight"].matrix == expected.matrix).all()
    assert set(hallmark.torch.calibrate(model, plain, include="^[qk]")) == {"q.weight", "k.weight"}


def test_layers_that_share_an_input_only_now_and_then():
    class Forks(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (torch.nn.Linear(8, 8) for _ in range(3))

        def forward(self, x, together):
            y = self.a(x) + self.b(x)
            return y + self.c(x if together else x + 1)

    torch.manual_seed(1)
    model, x = Forks(), [torch.randn(6, 8) for _ in range(4)]
    plan = [True, False, True, False]
    calibration = hallmark.torch.calibrate(model, list(zip(x, plan)))
    whole, parted = hallmark.Gram(8), hallmark.Gram(8)
    for tokens, together in zip(x, plan):
        whole.add(tokens)
        parted.add(tokens if together else tokens + 1)
    assert (calibration["a.weight"].matrix == whole.matrix).all()
    assert (calibration["b.weight"].matrix == whole.matrix).all()
    assert (calibration["c.weight"].matrix == parted.matrix).all()
    assert {calibration[f"{n}.weight"].tokens for n in "abc"} == {24}


def test_experts_count_their_own_tokens():
    class Experts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = torch.nn.Linear(8, 3)
            self.experts = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(3))

        def forward(self, x):
            flat = x.flatten(0, 1)
            self.gate(flat)
            for e in (0, 2):
                self.experts[e](flat[e::3])
            return flat

    calibration = hallmark.torch.calibrate(Experts(), [torch.randn(2, 5, 8)])
    assert {name: gram.tokens for name, gram in calibration.items()} == {
        "gate.weight": 10, "experts.0.weight": 4, "experts.2.weight": 3}
    assert calibration.unseen == {"experts.1.weight"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_quantize_load_and_verify(model, batches, dtype, tmp_path):
    model = model.to(dtype)
    calibration = hallmark.torch.calibrate(model, batches)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    opened = hallmark.torch.quantize_model(model, calibration, tmp_path / "q", grid="int8", scale_storage="bf16")
    assert all((tensor == before[name]).all() for name, tensor in model.state_dict().items())
    assert set(opened.matrices) == set(calibration)
    q = tmp_path / "q"
    hallmark.verify(q / "model.safetensors", q / "weights.safetensors", q / "calibration.safetensors", exact=True)
    other = Tiny().to(dtype)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    if dtype == torch.bfloat16:
        with pytest.warns(UserWarning, match="rounded"):
            hallmark.torch.load(other, q / "model.safetensors")
    else:
        hallmark.torch.load(other, q / "model.safetensors")
    for name in opened.tensors:
        exact = torch.from_numpy(opened.tensor(name))
        assert (other.state_dict()[name] == exact.to(dtype)).all()
        assert (other.state_dict()[name].float() - before[name].float()).abs().max() < 0.05
    assert other.head.weight is other.embed.weight


def test_refusals(model, batches, tmp_path):
    calibration = hallmark.torch.calibrate(model, batches)
    hallmark.torch.quantize_model(model, calibration, tmp_path / "q", bits=8)
    with pytest.raises(hallmark.InfeasibleError, match="E0410"):
        hallmark.torch.quantize_model(model, calibration, tmp_path / "q", bits=8)
    other = torch.nn.Sequential(torch.nn.Linear(2, 2))
    kept = other[0].weight.clone()
    with pytest.raises(hallmark.MismatchError, match="E0711"):
        hallmark.torch.load(other, tmp_path / "q" / "model.safetensors")
    assert (other[0].weight == kept).all()
    with pytest.raises(hallmark.InfeasibleError, match="E0436"):
        hallmark.torch.quantize_model(other, calibration, tmp_path / "r", bits=8)
    with torch.no_grad():
        model.q.weight[0, 0] = float("nan")
    with pytest.raises(hallmark.InputError, match="E0325"):
        hallmark.torch.calibrate(model, batches)
    assert not any(module._forward_pre_hooks for module in model.modules())
    with pytest.raises(hallmark.InputError, match="E0350"):
        hallmark.torch.quantize_model(model, calibration, tmp_path / "s", bits=8)
    assert not (tmp_path / "s" / "model.safetensors").exists()


def test_models_and_tensors_elsewhere(batches):
    meta = torch.nn.Linear(8, 8).to("meta")
    with pytest.raises(hallmark.InputError, match="device meta"):
        hallmark.torch.calibrate(meta, [torch.ones(2, 8)])
    with pytest.raises(hallmark.InputError, match="another device"):
        hallmark.quantize(meta.weight, method="rtn", grid="int4")
    with pytest.raises(hallmark.InputError, match="another device"):
        hallmark.Gram(8).add(torch.ones(2, 8, device="meta"))
    with pytest.raises(hallmark.InputError, match="E0351"):
        hallmark.Gram(8).add(torch.ones(2, 8).to_sparse())


def test_tensors_as_arrays():
    x = torch.randn(20, 8)
    expected = hallmark.Gram(8).add(x.numpy()).matrix
    for same in (x, x.clone().requires_grad_(), x.t().contiguous().t()):
        assert (hallmark.Gram(8).add(same).matrix == expected).all()
    half = x.bfloat16()
    assert (hallmark.Gram(8).add(half).matrix == hallmark.Gram(8).add(half.float()).matrix).all()
    assert (hallmark.encode(half) == hallmark.encode(half.float().numpy())).all()
