"""A small llama that we exported, run by llama.cpp as the file is; the judge is the same llama in numpy, float64."""
import gguf
import llama
import numpy as np
import pytest
import xllamacpp
from safetensors.numpy import save_file
from tried import tried

NOISE = np.random.default_rng(89)
PROMPTS = [[1, *map(int, NOISE.integers(3, 259, 15))] for _ in range(16)]
MATRICES = [name for name, tensor in llama.weights().items() if tensor.ndim == 2 and name != llama.TABLE]


def server_of(path):
    asked = xllamacpp.CommonParams()
    asked.model.path, asked.n_ctx, asked.n_parallel, asked.verbosity = str(path), llama.CONTEXT, 1, -1
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    return xllamacpp.Server(asked)


def answer(server, prompt):
    """The log-probabilities of the next token, and how many tokens the prompt is."""
    found = np.full(len(llama.TOKENS), np.nan)
    reply = server.handle_completions({"prompt": prompt, "max_tokens": 1, "n_probs": len(llama.TOKENS),
                                       "logprobs": len(llama.TOKENS), "temperature": 0, "cache_prompt": False})
    for token in reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
        found[token["id"]] = token["logprob"]
    assert not np.isnan(found).any()
    return found, reply["usage"]["prompt_tokens"]


def served(path):
    """What llama.cpp says of the token after each prompt: [prompts, vocabulary]."""
    server = server_of(path)
    return np.stack([answer(server, prompt)[0] for prompt in PROMPTS])


def expected(weights):
    return np.stack([llama.log_probabilities(weights, np.array(prompt))[-1] for prompt in PROMPTS])


def worst_of_five_likeliest(found, truth):
    likeliest = np.argsort(-truth, axis=1)[:, :5]
    return np.abs(np.take_along_axis(found - truth, likeliest, 1)).max()


def divergence(found, truth):
    """Mean over prompts of KL(truth || found), in nats."""
    return (np.exp(truth) * (truth - found)).sum(1).mean()


def types_of(path):
    return {tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """W, the same in F16, what its matrices multiply over other text, and the folder of the model."""
    folder, weights = tmp_path_factory.mktemp("llama"), llama.weights()
    halves = {name: tensor.astype(np.float16) for name, tensor in weights.items()}
    llama.write_folder(folder / "m")
    llama.write_folder(folder / "tied", tie_word_embeddings=True)
    save_file(weights, folder / "w")
    save_file(halves, folder / "w16")
    inputs = {name: [] for name in MATRICES}
    for _ in range(64):
        llama.log_probabilities(weights, NOISE.integers(3, 259, 32), lambda name, x: inputs[name].append(x))
    save_file({name + ".activations": np.concatenate(x).astype(np.float32) for name, x in inputs.items()}, folder / "c")
    one = "model.layers.1.self_attn.v_proj.weight"
    save_file({one + ".activations": np.concatenate(inputs[one]).astype(np.float32)}, folder / "c1")
    return folder


# Measured 0.019, 0.138, 0.135 and 0.084. The twin with activations rounded to 8 bits, as llama.cpp rounds them where
# weights are blocks, is 0.145 away from itself; rows of q and k in another order move them by 4.
@tried("gguf", "xllamacpp",
       "llama.cpp runs our files as they are (`--llama`), F16 (beside one matrix of Q8_0), Q8_0, Q6_K and Q4_0: of the "
       "5 likeliest tokens the log-probabilities are within 0.05 (F16) and 0.2 of those of the certified numbers in "
       "binary64")
@pytest.mark.parametrize("types, weights, calibration, preset, near", [
    ({"F32", "F16", "Q8_0"}, "w16", "c1", "q8_0", 0.05), ({"F32", "Q8_0"}, "w", "c", "q8_0", 0.2),
    ({"F32", "Q6_K"}, "w", "c", "q6_k", 0.2), ({"F32", "Q4_0"}, "w", "c", "q4_0", 0.2)])
def test_llama_cpp_computes_with_the_certified_numbers(exported, files, types, weights, calibration, preset, near):
    model = exported(files / weights, "gguf", "--preset", preset, calibration=files / calibration, llama=files / "m")
    assert types_of(model.path) == types
    assert worst_of_five_likeliest(served(model.path), expected(model.numbers)) < near


def test_a_tied_head_is_the_table(exported, files, tmp_path):
    weights = llama.weights()
    weights[llama.TABLE] = weights.pop(llama.OUTPUT)
    save_file(weights, tmp_path / "w")
    model = exported(tmp_path / "w", "gguf", "--method", "rtn", "--preset", "q8_0", llama=files / "tied")
    assert worst_of_five_likeliest(served(model.path), expected(model.numbers)) < 0.2  # measured: 0.114


def test_the_tokenizer_cuts_text_by_its_scores(exported, files):
    model = exported(files / "w16", "gguf", "--preset", "q8_0", calibration=files / "c1", llama=files / "m")
    server, token = server_of(model.path), llama.TOKENS.index
    for text, pieces in [("abc", ["\u2581ab", "c"]), ("c abbc", ["\u2581", "c", "\u2581ab", "bc"]),
                         ("a!", ["\u2581", "a", "<0x21>"])]:
        by_text, by_ids = answer(server, text), answer(server, [1, *map(token, pieces)])
        assert by_text[1] == by_ids[1] == len(pieces) + 1
        assert np.array_equal(by_text[0], by_ids[0]), text


@tried("gguf", "xllamacpp",
       "our Q4_0 by `best` diverges from the unquantized model at most 0.85 times as far as the "
       "Q4_0 that `gguf` makes of the same matrices")
def test_our_q4_0_is_nearer_than_that_of_gguf(exported, files, tmp_path):
    model = exported(files / "w", "gguf", "--preset", "q4_0", "--method", "best", calibration=files / "c",
                     llama=files / "m")
    q4_0, weights = gguf.GGMLQuantizationType.Q4_0, llama.weights()
    llama.write_gguf(tmp_path / "theirs", {
        name: (gguf.quants.quantize(tensor, q4_0), q4_0) if name in MATRICES else tensor
        for name, tensor in weights.items()})
    truth = expected(weights)
    ours, theirs = (divergence(served(path), truth) for path in (model.path, tmp_path / "theirs"))
    assert 0 < ours < 0.85 * theirs  # measured: 0.127, 0.185
