"""Overwrites the decoder of a random checkpoint of SmolVLM-256M's shape with that of SmolLM2-135M-Instruct.

usage: smollm2_decoder.py GGUF CHECKPOINT (both from scripts/fidelity/report-fidelity.mjs); needs numpy and gguf
"""

import json
import struct
import sys

import numpy
from gguf import GGUFReader, dequantize

HEADS = {"attn_q": 9, "attn_k": 3}
LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def main(gguf, checkpoint):
    stored = {tensor.name: tensor for tensor in GGUFReader(gguf).tensors}

    def values(name):
        tensor = stored[name + ".weight"]
        return numpy.asarray(dequantize(tensor.data, tensor.tensor_type), numpy.float32)

    path = checkpoint + "/model.safetensors"
    with open(path, "rb+") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))

        def put(name, array):
            entry = header[name]
            rows = entry["shape"][0]
            if array.shape[0] < rows:  # the tokens that SmolVLM adds
                mean = numpy.repeat(array.mean(0, keepdims=True), rows - array.shape[0], 0)
                array = numpy.concatenate([array, mean])
            assert list(array.shape) == entry["shape"], (name, array.shape, entry["shape"])
            bits = numpy.ascontiguousarray(array, numpy.float32).view(numpy.uint32)
            rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
            file.seek(8 + length + entry["data_offsets"][0])
            file.write(rounded.astype(numpy.uint16).tobytes())

        put("model.text_model.embed_tokens.weight", values("token_embd"))
        put("lm_head.weight", values("output" if "output.weight" in stored else "token_embd"))
        put("model.text_model.norm.weight", values("output_norm"))
        for layer in range(30):
            for name, source in LAYER.items():
                array = values("blk.%d.%s" % (layer, source))
                if source in HEADS:
                    array = unpermuted(array, HEADS[source])
                put("model.text_model.layers.%d.%s.weight" % (layer, name), array)


def unpermuted(array, heads):
    """llama.cpp stores the two halves of a rotary head interleaved."""
    pairs = array.reshape(heads, array.shape[0] // heads // 2, 2, array.shape[1])
    return pairs.swapaxes(1, 2).reshape(array.shape)


main(*sys.argv[1:])
