"""Computes the reference values of test/fixtures/goldens with Hugging Face transformers.

usage: goldens.py [--write]
Without --write it compares them with the files and lists the differences. The checkpoints of tiny-idefics3 and
odd-patches, the configs of smolvlm-256m and the pictures of preprocess are inputs: they are not changed.
Packages: transformers==4.57.6 torch==2.4.0 pillow==13.0.0 numpy==1.26.4 safetensors jinja2
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
)
from transformers.models.idefics3 import modeling_idefics3

goldens = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "goldens"
write = "--write" in sys.argv[1:]
differences = 0


def report(name, same):
    global differences
    differences += not same
    print(f"{'same' if same else 'DIFFERENT'}  {name}")


def keep_json(name, value, known):
    """Compares a JSON file's value, or writes it."""
    report(name, value == known)
    if write and value != known:
        (goldens / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def keep_picture(name, pixels):
    """@param pixels [height, width, 3] uint8"""
    known = np.asarray(Image.open(goldens / name).convert("RGB"))
    same = known.shape == pixels.shape and bool((known == pixels).all())
    report(name, same)
    if write and not same:
        Image.fromarray(pixels).save(goldens / name)


def read(name):
    return json.loads((goldens / name).read_text())


def processor_of(folder):
    path = goldens / folder
    tokenizer = AutoTokenizer.from_pretrained(path)
    template = json.loads((path / "chat_template.json").read_text())["chat_template"]
    images = Idefics3ImageProcessor.from_pretrained(path)
    length = json.loads((path / "processor_config.json").read_text())["image_seq_len"]
    return Idefics3Processor(images, tokenizer, image_seq_len=length, chat_template=template)


def user(prompt, images=1):
    return [{"role": "user", "content": [{"type": "image"}] * images + [{"type": "text", "text": prompt}]}]


def blank(size):
    return Image.new("RGB", tuple(size))


def tokenizer_values(processor):
    tokenizer = processor.tokenizer
    values = []
    for entry in read("tokenizer.json"):
        ids = tokenizer.encode(entry["text"], add_special_tokens=False)
        values.append(
            {
                "text": entry["text"],
                "ids": ids,
                "decoded": tokenizer.decode(ids),
                "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    keep_json("tokenizer.json", values, read("tokenizer.json"))


def prompt_values(processor):
    known = read("prompts.json")
    tokenizer = processor.tokenizer
    single = []
    for entry in known["single"]:
        chat = processor.apply_chat_template(user(entry["prompt"]), add_generation_prompt=True)
        made = processor(text=chat, images=[blank((entry["width"], entry["height"]))], return_tensors="pt")
        ids = made["input_ids"][0].tolist()
        single.append(
            {
                "width": entry["width"],
                "height": entry["height"],
                "prompt": entry["prompt"],
                "chat": chat,
                "tiles": made["pixel_values"].shape[1],
                "tile_size": made["pixel_values"].shape[-1],
                "expanded": tokenizer.decode(ids),
                "input_ids": ids,
                "masked_pixels": int((made["pixel_attention_mask"] == 0).sum()),
            }
        )
    two = known["two_images"]
    text = two["chat"].split("<image>")[-1].split("<end_of_utterance>")[0]
    chat = processor.apply_chat_template(user(text, images=2), add_generation_prompt=True)
    made = processor(text=chat, images=[blank(size) for size in two["sizes"]], return_tensors="pt")
    two_images = {
        "sizes": two["sizes"],
        "chat": chat,
        "tiles": made["pixel_values"].shape[1],
        "input_ids": made["input_ids"][0].tolist(),
    }
    talk = known["conversation"]
    chat = processor.apply_chat_template(talk["messages"], add_generation_prompt=True)
    made = processor(text=chat, images=[blank(size) for size in talk["sizes"]], return_tensors="pt")
    conversation = {**talk, "chat": chat, "input_ids": made["input_ids"][0].tolist()}
    hello = [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}]
    chat = processor.apply_chat_template(hello, add_generation_prompt=True)
    text_only = {"chat": chat, "input_ids": tokenizer.encode(chat, add_special_tokens=False)}
    keep_json(
        "prompts.json",
        {"single": single, "two_images": two_images, "conversation": conversation, "text_only": text_only},
        known,
    )


def upright(name):
    """The picture as the reference gets it: turned by EXIF, alpha on black, RGB."""
    picture = ImageOps.exif_transpose(Image.open(goldens / name))
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    black = Image.new("RGB", picture.size)
    black.paste(picture, mask=picture.getchannel("A"))
    return black


def tile_values(processor):
    images = processor.image_processor
    plain = dict(do_rescale=False, do_normalize=False, return_tensors="np")
    values = []
    for entry in read("preprocess/manifest.json"):
        picture = upright(f"preprocess/{entry['file']}")
        sheet = lambda **options: stacked(images([picture], **plain, **options)["pixel_values"][0])
        keep_picture(f"preprocess/{entry['tile_sheet']}", sheet())
        keep_picture(f"preprocess/{entry['single']}", sheet(do_image_splitting=False))
        made = images([picture], return_tensors="np", return_row_col_info=True)
        pixels = made["pixel_values"]
        values.append(
            {
                **entry,
                "width": picture.width,
                "height": picture.height,
                "tiles": pixels.shape[1],
                "rows": made["rows"][0][0],
                "cols": made["cols"][0][0],
                "pixel_mean": pixels.mean().item(),
                "pixel_std": pixels.std().item(),
            }
        )
    close = all(
        abs(a[key] - b[key]) < 1e-6 if isinstance(a[key], float) else a[key] == b[key]
        for a, b in zip(values, read("preprocess/manifest.json"))
        for key in a
    )
    report("preprocess/manifest.json", close)
    if write and not close:
        (goldens / "preprocess" / "manifest.json").write_text(json.dumps(values, indent=1) + "\n")


def stacked(tiles):
    """[tiles, 3, side, side] → [tiles × side, side, 3] uint8"""
    return np.concatenate([tile.transpose(1, 2, 0) for tile in tiles]).astype(np.uint8)


def with_row_by_row_positions():
    """A full tile's position ids are 0, 1, … row by row; these releases compute others (transformers#41190)."""

    def forward(self, pixel_values, patch_attention_mask):
        embedded = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        ids = torch.arange(embedded.shape[1], device=embedded.device)
        return embedded + self.position_embedding(ids)

    modeling_idefics3.Idefics3VisionEmbeddings.forward = forward


def tiny_values():
    folder = "tiny-idefics3"
    known = read(f"{folder}/expected.json")
    processor = processor_of(folder)
    with_row_by_row_positions()
    model = Idefics3ForConditionalGeneration.from_pretrained(
        goldens / folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    chat = processor.apply_chat_template(user(known["prompt"]), add_generation_prompt=True)
    inputs = processor(text=chat, images=[upright(f"{folder}/{known['image']}")], return_tensors="pt")
    length = inputs["input_ids"].shape[1]
    with torch.no_grad():
        logits = model(**inputs).logits[0]
        greedy = model.generate(**inputs, max_new_tokens=24, do_sample=False)[0, length:].tolist()
        text = processor.tokenizer.encode(known["text_only"]["prompt"], add_special_tokens=False, return_tensors="pt")
        continued = model.generate(input_ids=text, max_new_tokens=16, do_sample=False)[0].tolist()
        activations = tower_activations(model, inputs["pixel_values"][0][known["kept_tiles"]])
    top = torch.topk(logits[-1], 5)
    values = {
        **known,
        "input_ids": inputs["input_ids"][0].tolist(),
        "tiles": inputs["pixel_values"].shape[1],
        "greedy_ids": greedy,
        "greedy_text": processor.tokenizer.decode(greedy),
        "text_only": {**known["text_only"], "ids": continued},
    }
    keep_json(f"{folder}/expected.json", values, known)
    report(f"{folder}: five most likely tokens", top.indices.tolist() == known["logits_top5"][0])
    activations["logits_first8"] = logits[:8]
    activations["logits_last"] = logits[-1]
    keep_activations(f"{folder}/activations.safetensors", activations)


def hidden_act_values():
    """The tiny model's text, continued with other functions in its decoder."""
    name = "tiny-idefics3/hidden-acts.json"
    prompt = torch.tensor([read("tiny-idefics3/expected.json")["text_only"]["ids"][:4]])
    values = {}
    for act in ["gelu_pytorch_tanh", "gelu", "quick_gelu", "silu", "relu"]:
        config = Idefics3Config.from_pretrained(goldens / "tiny-idefics3")
        config.text_config.hidden_act = act
        model = Idefics3ForConditionalGeneration.from_pretrained(
            goldens / "tiny-idefics3", config=config, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        with torch.no_grad():
            logits = model(input_ids=prompt).logits[0, -1]
            values[act] = {
                "logits_first8": [round(value, 4) for value in logits[:8].tolist()],
                "ids": model.generate(input_ids=prompt, max_new_tokens=12, do_sample=False)[0, 4:].tolist(),
            }
    path = goldens / name
    keep_json(name, values, json.loads(path.read_text()) if path.exists() else None)


def odd_patches_values():
    """A tower whose patches do not divide its tile: 58 pixels, patches of 14, so 4 × 4 of them."""
    model = Idefics3ForConditionalGeneration.from_pretrained(
        goldens / "odd-patches", dtype=torch.float32, attn_implementation="eager"
    ).eval()
    size = model.config.vision_config.image_size
    pixels = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        keep_activations("odd-patches/activations.safetensors", tower_activations(model, pixels))


def tower_activations(model, pixels):
    values = {"pixel_values": pixels}
    vision = model.model.vision_model
    tokens = vision.embeddings(pixel_values=pixels, patch_attention_mask=None)
    values["embeddings"] = tokens
    for index, layer in enumerate(vision.encoder.layers):
        tokens = tokens + layer.self_attn(layer.layer_norm1(tokens))[0]
        values[f"l{index}_attn"] = tokens
        tokens = tokens + layer.mlp(layer.layer_norm2(tokens))
        values[f"l{index}_mlp"] = tokens
    values["post_layernorm"] = vision.post_layernorm(tokens)
    values["connector"] = model.model.connector(values["post_layernorm"])
    return values


def keep_activations(name, values):
    """Compared as the tests compare: cosine and largest error."""
    known = load_file(goldens / name) if (goldens / name).exists() else {}
    close = set(known) == set(values)
    for key in sorted(set(known) & set(values)):
        a, b = known[key].double().flatten(), values[key].double().flatten()
        same = torch.cosine_similarity(a, b, 0) >= 0.99999 and (a - b).abs().max() <= 1e-4 * a.abs().max()
        if not same:
            print(f"  {key}: max error {(a - b).abs().max().item():.3g} of {a.abs().max().item():.3g}")
        close = close and bool(same)
    report(name, close)
    if write and not close:
        save_file({key: value.contiguous() for key, value in values.items()}, goldens / name)


real = processor_of("smolvlm-256m")
tokenizer_values(real)
prompt_values(real)
tile_values(real)
tiny_values()
hidden_act_values()
odd_patches_values()
sys.exit(1 if differences and not write else 0)
