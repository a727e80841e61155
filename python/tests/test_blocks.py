"""Models quantized block after block."""
import numpy as np
import pytest
import torch

import hallmark
import hallmark.torch
from test_torch import Conv1D


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k = torch.nn.Linear(width, width, bias=False), torch.nn.Linear(width, width)
        self.out = Conv1D(width, width)
        self.spare = torch.nn.Linear(width, width)

    def forward(self, x, scale, attention_mask=None):
        y = torch.tanh(self.q(x)) * torch.sigmoid(self.k(x) * scale)
        x += self.out(y)  # in place
        return x, None


class Stack(torch.nn.Module):
    def __init__(self, width=32, layers=3):
        super().__init__()
        torch.manual_seed(9)
        self.embed = torch.nn.Embedding(31, width)
        self.layers = torch.nn.ModuleList(Block(width) for _ in range(layers))
        self.head = torch.nn.Linear(width, 31, bias=False)

    def forward(self, input_ids, attention_mask=None):
        x = self.embed(input_ids)
        for layer in self.layers:
            x, _ = layer(x, 2.0, attention_mask=attention_mask)
        return self.head(x)


@pytest.fixture
def model():
    return Stack()


@pytest.fixture
def batches():
    random = np.random.default_rng(11)
    ids = torch.from_numpy(random.integers(0, 31, (3, 4, 12)))
    masks = torch.from_numpy((np.arange(12) < random.integers(3, 12, (3, 4, 1))).astype(np.int64))
    return [{"input_ids": i, "attention_mask": m} for i, m in zip(ids, masks)]


def logits(model, batches):
    with torch.no_grad():
        return torch.cat([model(**batch)[batch["attention_mask"].bool()] for batch in batches])


WEIGHTS = {f"layers.{i}.{name}.weight" for i in range(3) for name in ("q", "k", "out")}


def test_with_a_plain_target_the_sums_are_those_of_calibrate(model, batches, tmp_path):
    calibration = hallmark.torch.calibrate(model, batches)
    expected = {name: calibration[name].matrix for name in WEIGHTS}
    other = Stack()
    whole = hallmark.torch.quantize_model(
        other, hallmark.torch.calibrate(other, batches, include="layers"), tmp_path / "whole", grid="int4")
    shares = []
    opened = hallmark.torch.quantize_blocks(model, "layers", batches, tmp_path / "q", grid="int4",
                                            progress=lambda share, name: shares.append((share, name)))
    assert set(opened.matrices) == WEIGHTS == set(whole.matrices)
    for name in WEIGHTS:
        assert (opened.matrix(name).codes == whole.matrix(name).codes).all(), name
    again = hallmark.torch.calibrate(Stack(), batches)
    assert all((again[name].matrix == expected[name]).all() for name in WEIGHTS)
    assert shares == sorted(shares, key=lambda of: of[0]) and shares[0][1] == "layers.0.q.weight"
    q = tmp_path / "q"
    hallmark.verify(q / "model.safetensors", q / "weights.safetensors", q / "calibration.safetensors", exact=True)
    assert sorted(path.name for path in q.iterdir()) == [
        "calibration.safetensors", "model.certificate.json", "model.safetensors", "weights.safetensors"]
    for name in opened.tensors:
        assert (model.state_dict()[name] == torch.from_numpy(opened.tensor(name))).all(), name


def test_an_asymmetric_target_sees_what_is_quantized_before(model, batches, tmp_path):
    before = logits(model, batches)
    plain = Stack()
    hallmark.torch.quantize_blocks(plain, "layers", batches, tmp_path / "p", grid="int3")
    opened = hallmark.torch.quantize_blocks(model, "layers", batches, tmp_path / "q", grid="int3", target="asymmetric")
    q = tmp_path / "q"
    hallmark.verify(q / "model.safetensors", q / "weights.safetensors", q / "calibration.safetensors", exact=True)
    far, near = (logits(plain, batches) - before).norm(), (logits(model, batches) - before).norm()
    assert near < 0.9 * far

    # The last layer's sums: its inputs in the model as it was, and behind everything that is quantized before it.
    def inputs(of):
        seen = []
        hook = of.layers[2].out.register_forward_pre_hook(lambda _, x: seen.append(x[0].detach().clone()))
        logits(of, batches)
        hook.remove()
        return torch.cat([x[b["attention_mask"].bool()] for x, b in zip(seen, batches)])

    gram = hallmark.TargetGram(32).add(inputs(Stack()), inputs(model))
    weight = Stack().layers[2].out.weight.detach().t()
    expected = hallmark.quantize(weight, gram, name="layers.2.out.weight", grid="int3", target="asymmetric")
    assert (opened.matrix("layers.2.out.weight").codes == expected.codes).all()


def test_blocks_by_name_and_one_block_in_memory(model, batches, tmp_path, monkeypatch):
    alive, most = set(), []
    for kind in (hallmark.Gram, hallmark.TargetGram):
        made = kind.__init__
        monkeypatch.setattr(kind, "__init__", lambda self, cols, made=made: (made(self, cols), alive.add(id(self)))[0])
        monkeypatch.setattr(kind, "__del__", lambda self: alive.discard(id(self)), raising=False)
    opened = hallmark.torch.quantize_blocks(model, ["layers.0", "layers.1"], batches, tmp_path / "q", bits=4,
                                            target="asymmetric", progress=lambda *_: most.append(len(alive)))
    assert set(opened.matrices) == {name for name in WEIGHTS if not name.startswith("layers.2")}
    assert max(most) == 1


class Crooked(Stack):
    """Blocks that are called in another way than one after the other, with the same arguments."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def forward(self, input_ids, attention_mask=None):
        x = self.embed(input_ids)
        for i, layer in enumerate(self.layers):
            x, _ = layer(x + (i if self.how == "between" else 0), 2.0 + (i if self.how == "argument" else 0))
        return self.head(x)


class Half(torch.nn.Module):
    """An expert that every other token reaches."""

    def __init__(self):
        super().__init__()
        self.expert = torch.nn.Linear(8, 8)

    def forward(self, x):
        return x + torch.nn.functional.pad(self.expert(x.flatten(0, 1)[::2]), (0, 0, 0, 6)).view(x.shape)


def test_blocks_that_are_no_chain_are_refused(batches, tmp_path):
    for how, text in (("between", "layers.1' behind 'layers.0"), ("argument", "'layers.1', by position")):
        with pytest.raises(hallmark.InputError, match=text):
            hallmark.torch.quantize_blocks(Crooked(how), "layers", batches, tmp_path / how, grid="int4")
    with pytest.raises(hallmark.InputError, match="'layers.2' behind 'layers.1'|'layers.1' behind 'layers.2'"):
        hallmark.torch.quantize_blocks(Stack(), ["layers.2", "layers.1"], batches, tmp_path / "order", grid="int4")
    with pytest.raises(hallmark.InputError, match="some of the tokens"):
        hallmark.torch.quantize_blocks(torch.nn.Sequential(Half()), ["0"], [torch.randn(2, 6, 8)], tmp_path / "experts", grid="int4",
                                       target="asymmetric")


def test_experts_that_some_batches_reach(tmp_path):
    class Routed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.experts = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(3))

        def forward(self, x):
            return x + self.experts[int(x[0, 0, 0] > 0)](x)

    torch.manual_seed(3)
    batches = [torch.randn(2, 6, 8).abs() * sign for sign in (-1, 1, 1)]
    model = torch.nn.Sequential(Routed())
    calibration = hallmark.torch.calibrate(model, batches)
    opened = hallmark.torch.quantize_blocks(model, ["0"], batches, tmp_path / "q", grid="int4")
    assert set(opened.matrices) == {"0.experts.0.weight", "0.experts.1.weight"} == set(calibration)
    for name, gram in calibration.items():
        with open(tmp_path / "q" / "model.certificate.json") as certificate:
            assert f'"tokens":{gram.tokens}' in next(line for line in certificate if f'"{name}"' in line)


def test_what_fails_leaves_the_model_as_it_was(model, batches, tmp_path):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def same():
        return all((tensor == before[name]).all() for name, tensor in model.state_dict().items())

    def stop(share, name):
        if name.startswith("layers.1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hallmark.torch.quantize_blocks(model, "layers", batches, tmp_path / "q", grid="int3", target="asymmetric",
                                       progress=stop)
    assert same() and sorted(path.name for path in (tmp_path / "q").iterdir()) == ["weights.safetensors"]
    for blocks, found, text in (("layer", batches, "no such block"), ("layers", [], "no batches"),
                                ("embed", batches, "no layers")):
        with pytest.raises(hallmark.InputError, match=text):
            hallmark.torch.quantize_blocks(model, blocks, found, tmp_path / "r", overwrite=True, grid="int3")
    with pytest.raises(hallmark.InputError, match="device meta"):
        hallmark.torch.quantize_blocks(Stack().to("meta"), "layers", batches, tmp_path / "s", grid="int3")
    assert same() and not any(module._forward_pre_hooks for module in model.modules())
    assert not (tmp_path / "r" / "model.safetensors").exists()
