"""Exports a SmolVLM checkpoint as the ONNX files that transformers.js loads, for `npm run bench:peers`.

usage: export-for-transformers-js.py CHECKPOINT OUT
Packages: transformers==5.24.0 torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 onnxruntime-genai==0.18.0
onnxscript==0.7.2 onnx-ir==1.1.0
The decoder is built by onnxruntime-genai's model builder, which fuses attention, norms and rotary positions. Files:
  decoder_model_merged.onnx            float32
  decoder_model_merged_quantized.onnx  its dynamic 8-bit quantisation, with the settings of transformers.js's own script
  decoder_model_merged_int8.onnx       8-bit weights in blocks of 32 (MatMulNBits)
  decoder_model_merged_q4.onnx         4-bit weights in blocks of 32 (MatMulNBits)
  embed_tokens.onnx                    float32
  vision_encoder.onnx                  float32: vision tower and connector, for tiles without padding
  vision_encoder_quantized.onnx        its dynamic 8-bit quantisation
Afterwards `npm install --prefix OUT @huggingface/transformers@4.3.2`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.registry import IntegerOpsRegistry
from transformers import Idefics3ForConditionalGeneration, LlamaForCausalLM

BUILDER_OPTIONS = ["exclude_embeds=true", "prune_lm_head=true"]


def main(checkpoint: Path, out: Path) -> None:
    target = out / "onnx"
    target.mkdir(parents=True, exist_ok=True)
    for file in checkpoint.glob("*.json"):
        shutil.copy(file, out / file.name)
    model = Idefics3ForConditionalGeneration.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    write_embeddings(model.model.text_model.embed_tokens.weight, target / "embed_tokens.onnx")
    with tempfile.TemporaryDirectory(dir=out) as folder:
        work = Path(folder)
        write_llama(model, checkpoint, work / "llama")
        head_size = model.config.text_config.head_dim
        for precision, suffix in (("fp32", ""), ("int8", "_int8"), ("int4", "_q4")):
            build_decoder(work, precision, head_size, target / f"decoder_model_merged{suffix}.onnx")
    write_vision(model, target / "vision_encoder.onnx")
    for name in ("decoder_model_merged", "vision_encoder"):
        quantise(target / f"{name}.onnx")


def write_llama(model: Idefics3ForConditionalGeneration, checkpoint: Path, folder: Path) -> None:
    """The text model as a separate checkpoint, which is what the model builder reads."""
    text = model.model.text_model
    llama = LlamaForCausalLM(text.config)
    llama.model.load_state_dict(text.state_dict())
    llama.lm_head.load_state_dict(model.lm_head.state_dict())
    llama.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config.update(architectures=["LlamaForCausalLM"], model_type="llama")
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(checkpoint / name, folder / name)


def build_decoder(work: Path, precision: str, head_size: int, path: Path) -> None:
    built = work / precision
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    command += ["-i", str(work / "llama"), "-o", str(built), "-p", precision, "-e", "cpu"]
    command += ["-c", str(work / "cache"), "--extra_options", "hf_token=false", *BUILDER_OPTIONS]
    subprocess.run(command, check=True)
    decoder = onnx.load_model(built / "model.onnx")
    name_head_size(decoder, head_size)
    # One file: transformers.js reads weights beside it only when its config says so.
    onnx.save_model(decoder, path)


def name_head_size(decoder: onnx.ModelProto, head_size: int) -> None:
    """transformers.js makes its empty cache from the inputs' shapes; the builder leaves the last dimension open."""
    for value in [*decoder.graph.input, *decoder.graph.output]:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param == "kv_cache_dim":
                dimension.dim_value = head_size


def write_embeddings(weight: torch.Tensor, path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["weight", "input_ids"], ["inputs_embeds"])],
        "embed_tokens",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("inputs_embeds", TensorProto.FLOAT, ["batch", "tokens", weight.shape[1]])],
        [numpy_helper.from_array(weight.detach().numpy(), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, path)


class VisionEncoder(torch.nn.Module):
    """Tiles of full size: no patch is masked, and the patches' positions are always the same."""

    def __init__(self, model: Idefics3ForConditionalGeneration) -> None:
        super().__init__()
        self.vision, self.connector = model.model.vision_model, model.model.connector
        embeddings, size = self.vision.embeddings, model.config.vision_config.image_size
        used: list[torch.Tensor] = []
        hook = embeddings.position_embedding.register_forward_hook(lambda _module, _args, rows: used.append(rows))
        side = size // model.config.vision_config.patch_size
        with torch.no_grad():
            embeddings(torch.zeros(1, 3, size, size), torch.ones(1, side, side, dtype=torch.bool))
        hook.remove()
        self.register_buffer("positions", used[0])

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        embeddings = self.vision.embeddings
        patches = embeddings.patch_embedding(pixel_values.flatten(0, 1)).flatten(2).transpose(1, 2)
        hidden = self.vision.encoder(inputs_embeds=patches + self.positions).last_hidden_state
        return self.connector(self.vision.post_layernorm(hidden))


def write_vision(model: Idefics3ForConditionalGeneration, path: Path) -> None:
    encoder = VisionEncoder(model).eval()
    size = model.config.vision_config.image_size
    tiles = torch.randn(1, 2, 3, size, size)
    with torch.no_grad():
        whole = model.model.get_image_features(tiles, torch.ones(1, 2, size, size, dtype=torch.bool)).pooler_output
        difference = (encoder(tiles).flatten(0, 1) - torch.cat(whole).view(-1, whole[0].shape[-1])).abs().max().item()
    if difference > 1e-3:
        raise SystemExit(f"the exported tower differs from the checkpoint's by {difference}")
    torch.onnx.export(
        encoder,
        (tiles,),
        path,
        input_names=["pixel_values"],
        output_names=["image_features"],
        dynamic_axes={"pixel_values": {0: "batch", 1: "tiles"}, "image_features": {0: "tiles_in_batch"}},
        opset_version=17,
        dynamo=False,
    )


def quantise(path: Path) -> None:
    """As transformers.js's script does for convolutions and fused attention: unsigned weights, a scale for a tensor."""
    quantize_dynamic(
        path,
        path.with_name(f"{path.stem}_quantized.onnx"),
        op_types_to_quantize=list(IntegerOpsRegistry),
        weight_type=QuantType.QUInt8,
        extra_options={"EnableSubgraph": True, "MatMulConstBOnly": True},
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
