#!/usr/bin/python3
"""make.py: writes state_dict.pt beside itself, by Debian's python3-torch. Element i of a tensor of reals is i / 4 - 1, of
integers -1 and 2 (the dtype's own -1), of bool True and False."""
import collections
import pathlib
import torch


def reals(*shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count, dtype=torch.float64) / 4 - 1).reshape(shape).to(dtype)


layer = torch.nn.Linear(3, 2, bias=False)
layer.weight.data = reals(2, 3)
model = collections.OrderedDict((f"layer.{name}", tensor) for name, tensor in layer.state_dict().items())
model._metadata = layer.state_dict()._metadata
model["tied.weight"] = model["layer.weight"]
model["tok_emb.weight"] = torch.nn.Parameter(reals(3, 2, dtype=torch.bfloat16))
model["half"] = reals(2, dtype=torch.float16)
model["double"] = reals(1, 2, dtype=torch.float64)
model["scalar"] = reals()
model["empty"] = reals(0, 3)
model["rows"] = reals(4, 3)[1:3]
for name in ("char", "short", "int", "long"):
    dtype = {"char": torch.int8, "short": torch.int16, "int": torch.int32, "long": torch.int64}[name]
    model[name] = torch.tensor([-1, 2], dtype=dtype)
model["byte"] = torch.tensor([255, 2], dtype=torch.uint8)
model["bool"] = torch.tensor([True, False])
torch.save(model, pathlib.Path(__file__).with_name("state_dict.pt"))
