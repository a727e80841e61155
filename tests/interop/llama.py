"""A small llama of random weights in the layout of Hugging Face: its folder, its arithmetic in numpy, a GGUF file of it."""
import json
import struct

import gguf
import numpy as np

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, CONTEXT, EPSILON, THETA = 256, 512, 2, 4, 2, 64, 1e-5, 5000.0
# Words whose pieces can be joined in two ways: by the scores "ab c", where "a bc" would join more letters first.
WORDS = ["a", "b", "c", "ab", "bc", "\u2581", "\u2581ab"]
SCORES = dict(zip(WORDS, [-9, -9, -9, -1, -2, -9, -0.5]))
# No token is a part of a character, because the server keeps what it found back until the character is whole.
BYTES = [f"<0x{byte:02X}>" for byte in range(128)]
TOKENS = ["<unk>", "<s>", "</s>"] + BYTES + WORDS + [f"word{i}" for i in range(121)]
TYPES = [2, 3, 3] + [6] * 128 + [1] * 128
HEAD = WIDTH // HEADS
LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
TABLE, FINAL, OUTPUT = "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"


def weights(seed=47):
    noise = np.random.default_rng(seed)
    def matrix(rows, cols, gain=1.0):  # heavy tails, as trained weights have them
        return (noise.standard_t(5, (rows, cols)) * gain / np.sqrt(cols)).astype(np.float32)
    def norm():
        return noise.uniform(0.5, 1.5, WIDTH).astype(np.float16).astype(np.float32)
    made = {TABLE: matrix(len(TOKENS), WIDTH, 8), OUTPUT: matrix(len(TOKENS), WIDTH), FINAL: norm()}
    made[OUTPUT][:3] = 0  # the end of the text is never the likeliest token
    for i in range(LAYERS):
        kv = KV_HEADS * HEAD
        for name, rows, cols in [("self_attn.q_proj", WIDTH, WIDTH), ("self_attn.k_proj", kv, WIDTH),
                                 ("self_attn.v_proj", kv, WIDTH), ("self_attn.o_proj", WIDTH, WIDTH),
                                 ("mlp.gate_proj", HIDDEN, WIDTH), ("mlp.up_proj", HIDDEN, WIDTH),
                                 ("mlp.down_proj", WIDTH, HIDDEN)]:
            made[f"model.layers.{i}.{name}.weight"] = matrix(rows, cols)
        for name in "input_layernorm", "post_attention_layernorm":
            made[f"model.layers.{i}.{name}.weight"] = norm()
    return made


def log_probabilities(w, ids, seen=None):
    """Of the token after each of ids, float64 [tokens, vocabulary]. `seen` is told what each matrix multiplies."""
    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * w[name + ".weight"].astype(float)

    def times(name, x):
        if seen:
            seen(name + ".weight", x)
        return x @ w[name + ".weight"].T.astype(float)

    def rotated(x):  # the halves of a head, as Hugging Face's model turns them
        angle = np.arange(len(ids))[:, None] * THETA ** (-np.arange(0, HEAD, 2) / HEAD)
        turned = (x[..., :HEAD // 2] + 1j * x[..., HEAD // 2:]) * np.exp(1j * angle)
        return np.concatenate([turned.real, turned.imag], -1)

    def heads(x, count):
        return x.reshape(len(ids), count, HEAD).transpose(1, 0, 2)

    x = w[TABLE][ids].astype(float)
    for i in range(LAYERS):
        layer, y = f"model.layers.{i}.", norm(x, f"model.layers.{i}.input_layernorm")
        q = rotated(heads(times(layer + "self_attn.q_proj", y), HEADS))
        k = rotated(heads(times(layer + "self_attn.k_proj", y), KV_HEADS))
        v = heads(times(layer + "self_attn.v_proj", y), KV_HEADS)
        k, v = (np.repeat(a, HEADS // KV_HEADS, 0) for a in (k, v))
        score = q @ k.transpose(0, 2, 1) / np.sqrt(HEAD) + np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        share = np.exp(score - score.max(-1, keepdims=True))
        mixed = (share / share.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = x + times(layer + "self_attn.o_proj", mixed)
        y = norm(x, layer + "post_attention_layernorm")
        gate = times(layer + "mlp.gate_proj", y)
        x = x + times(layer + "mlp.down_proj", gate / (1 + np.exp(-gate)) * times(layer + "mlp.up_proj", y))
    head = OUTPUT if OUTPUT in w else TABLE
    logits = times(head.removesuffix(".weight"), norm(x, "model.norm"))
    top = logits.max(-1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))


def write_folder(folder, **changed):
    """config.json and tokenizer.model, in the bytes of protocol buffers."""
    folder.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH,
              "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
              "num_key_value_heads": KV_HEADS, "max_position_embeddings": CONTEXT, "rms_norm_eps": EPSILON,
              "rope_theta": THETA, "rope_scaling": None, "vocab_size": len(TOKENS), "hidden_act": "silu",
              "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config | changed))

    def message(field, content):  # of fewer than 128 bytes
        return bytes([field << 3 | 2, len(content)]) + content

    pieces = b"".join(message(1, message(1, token.encode()) + b"\x15" + struct.pack("<f", SCORES.get(token, 0)) +
                              bytes([0x18, kind])) for token, kind in zip(TOKENS, TYPES))
    trainer = message(2, bytes([3 << 3, 2, 35 << 3 & 127 | 128, 2, 1]))  # byte pairs, byte_fallback
    normalizer = message(3, message(1, b"identity") + bytes([3 << 3, 1, 4 << 3, 0]))
    (folder / "tokenizer.model").write_bytes(pieces + trainer + normalizer)


def write_gguf(path, tensors):
    """As llama.cpp's converter writes it. `tensors` maps Hugging Face's names to arrays, or to those of the file of
    another type of ggml: (rows of bytes, type)."""
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
    file.add_token_scores([float(SCORES.get(token, 0)) for token in TOKENS])
    file.add_token_types(TYPES)
    file.add_bos_token_id(1)
    file.add_eos_token_id(2)
    file.add_unk_token_id(0)
    names = {TABLE: "token_embd.weight", FINAL: "output_norm.weight", OUTPUT: "output.weight"}
    names |= {f"model.layers.{i}.{ours}.weight": f"blk.{i}.{theirs}.weight" for i in range(LAYERS)
              for ours, theirs in LAYER.items()}
    for name, tensor in tensors.items():
        data, kind = tensor if isinstance(tensor, tuple) else (tensor, None)
        if name.endswith(("q_proj.weight", "k_proj.weight")):  # pairs of neighbours turn there
            data = data.reshape(-1, 2, HEAD // 2, data.shape[1]).swapaxes(1, 2).reshape(data.shape)
        file.add_tensor(names[name], np.ascontiguousarray(data), raw_dtype=kind)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
