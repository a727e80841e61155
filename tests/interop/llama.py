"""A small llama of random weights: its weights, its arithmetic in numpy, its GGUF file."""
import gguf
import numpy as np

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, CONTEXT, EPSILON, THETA = 128, 256, 2, 4, 2, 64, 1e-5, 10000.0
# No token is a part of a character, because the server keeps what it found back until the character is whole.
TOKENS = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(128)] + [f"word{i}" for i in range(128)]
HEAD = WIDTH // HEADS


def weights(seed=47):
    noise = np.random.default_rng(seed)
    def matrix(rows, cols, gain=1.0):  # heavy tails, as trained weights have them
        return (noise.standard_t(5, (rows, cols)) * gain / np.sqrt(cols)).astype(np.float32)
    made = {"token_embd.weight": matrix(len(TOKENS), WIDTH, 8), "output.weight": matrix(len(TOKENS), WIDTH),
            "output_norm.weight": np.ones(WIDTH, np.float32)}
    made["output.weight"][:3] = 0  # the end of the text is never the likeliest token
    for i in range(LAYERS):
        kv = KV_HEADS * HEAD
        for name, rows, cols in [("attn_q", WIDTH, WIDTH), ("attn_k", kv, WIDTH), ("attn_v", kv, WIDTH),
                                 ("attn_output", WIDTH, WIDTH), ("ffn_gate", HIDDEN, WIDTH), ("ffn_up", HIDDEN, WIDTH),
                                 ("ffn_down", WIDTH, HIDDEN)]:
            made[f"blk.{i}.{name}.weight"] = matrix(rows, cols)
        made[f"blk.{i}.attn_norm.weight"] = made[f"blk.{i}.ffn_norm.weight"] = np.ones(WIDTH, np.float32)
    return made


def log_probabilities(w, ids, seen=None):
    """Of the token after each of ids, float64 [tokens, vocabulary]. `seen` is told what each matrix multiplies."""
    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * w[name + ".weight"]

    def times(name, x):
        if seen:
            seen(name + ".weight", x)
        return x @ w[name + ".weight"].T.astype(float)

    def rotated(x):  # pairs of neighbours, as llama.cpp turns them for this architecture
        angle = np.arange(len(ids))[:, None] * THETA ** (-np.arange(0, HEAD, 2) / HEAD)
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)
        return np.stack([turned.real, turned.imag], -1).reshape(x.shape)

    def heads(x, count):
        return x.reshape(len(ids), count, HEAD).transpose(1, 0, 2)

    x = w["token_embd.weight"][ids].astype(float)
    for i in range(LAYERS):
        blk, y = f"blk.{i}.", norm(x, f"blk.{i}.attn_norm")
        q = rotated(heads(times(blk + "attn_q", y), HEADS))
        k, v = rotated(heads(times(blk + "attn_k", y), KV_HEADS)), heads(times(blk + "attn_v", y), KV_HEADS)
        k, v = (np.repeat(a, HEADS // KV_HEADS, 0) for a in (k, v))
        score = q @ k.transpose(0, 2, 1) / np.sqrt(HEAD) + np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        share = np.exp(score - score.max(-1, keepdims=True))
        mixed = (share / share.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = x + times(blk + "attn_output", mixed)
        y = norm(x, blk + "ffn_norm")
        gate = times(blk + "ffn_gate", y)
        x = x + times(blk + "ffn_down", gate / (1 + np.exp(-gate)) * times(blk + "ffn_up", y))
    logits = times("output", norm(x, "output_norm"))
    top = logits.max(-1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))


def write_gguf(path, tensors):
    """`tensors` maps a name to an array, or to (bytes as an array of rows, a type of ggml)."""
    file = gguf.GGUFWriter(path, "llama")
    file.add_context_length(CONTEXT)
    file.add_embedding_length(WIDTH)
    file.add_block_count(LAYERS)
    file.add_feed_forward_length(HIDDEN)
    file.add_head_count(HEADS)
    file.add_head_count_kv(KV_HEADS)
    file.add_layer_norm_rms_eps(EPSILON)
    file.add_rope_dimension_count(HEAD)
    file.add_rope_freq_base(THETA)
    file.add_vocab_size(len(TOKENS))
    file.add_tokenizer_model("llama")
    file.add_token_list(TOKENS)
    file.add_token_scores([0.0] * len(TOKENS))
    file.add_token_types([2, 3, 3] + [6] * 128 + [1] * 128)
    file.add_bos_token_id(1)
    file.add_eos_token_id(2)
    file.add_unk_token_id(0)
    for name, tensor in tensors.items():
        data, kind = tensor if isinstance(tensor, tuple) else (tensor, None)
        file.add_tensor(name, data, raw_dtype=kind)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
