"""Tiny BLIP: transformers' BlipForConditionalGeneration with its processor, for 32-pixel pictures."""

from pathlib import Path

import torch
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

from sgid.miniature import world
from sgid.miniature.auxiliary import ShapeHeads, tensors_of
from sgid.miniature.fit import STYLES, Recipe, draw_pool, fit, held_out, to_tensor, write_record
from sgid.miniature.grammar import EXACT, LOOSE, Sentences, fields_said
from sgid.miniature.tokenizers import bert_tokenizer

RECIPE = Recipe(steps=4000, batch=32, learning_rate=2e-3, seed=12)
WIDTH, PATCH = 64, 4
SETTINGS = {
    "vision_config": {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": world.SIZE,
        "patch_size": PATCH,
    },
    "text_config": {
        "hidden_size": WIDTH,
        "encoder_hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 32,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "label_smoothing": 0.0,
    },
    "projection_dim": WIDTH,
}
PREFIX = "a picture of"
MEAN = STD = [0.5, 0.5, 0.5]


def train_captioner(folder: Path, recipe: Recipe = RECIPE) -> None:
    """Train with the caption loss and the shape heads, and save model and processor to `folder`."""
    torch.manual_seed(recipe.seed)
    processor = save_processor(folder)
    tokenizer = processor.tokenizer
    model = BlipForConditionalGeneration(blip_config(tokenizer))
    heads = ShapeHeads(WIDTH, PATCH)
    drawings = draw_pool(recipe)
    images = to_tensor(drawings.images)
    masks, fields = tensors_of(drawings)
    sentences = Sentences(drawings, (EXACT, *LOOSE))
    tokens, labels = caption_tokens(tokenizer, sentences.texts)
    index = torch.from_numpy(sentences.index)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        said = index[random_templates(len(rows), generator), rows]
        vision = model.vision_model(images[rows]).last_hidden_state
        decoded = model.text_decoder(
            input_ids=tokens[said],
            attention_mask=(tokens[said] != tokenizer.pad_token_id).long(),
            encoder_hidden_states=vision,
            labels=labels[said],
        )
        shape = heads.loss(vision[:, 1:], masks[rows], {k: v[rows] for k, v in fields.items()}, weights=(3.0, 0.5))
        return decoded.loss + shape

    history = fit([*model.parameters(), *heads.parameters()], loss_of, recipe)
    model.save_pretrained(folder)
    write_record(folder, recipe, SETTINGS, history, quality(folder, recipe))


def save_processor(folder: Path) -> BlipProcessor:
    """The processor whose pixels equal the training's: no resampling at 32 px, scaled to [-1, 1]."""
    size = {"height": world.SIZE, "width": world.SIZE}
    pixels = BlipImageProcessor(size=size, image_mean=MEAN, image_std=STD)
    processor = BlipProcessor(pixels, bert_tokenizer(folder))
    processor.save_pretrained(folder)
    return processor


def blip_config(tokenizer: BertTokenizer) -> BlipConfig:
    """The settings with the vocabulary and special tokens of the tokenizer."""
    text = SETTINGS["text_config"] | {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return BlipConfig(**(SETTINGS | {"text_config": text}))


def caption_tokens(tokenizer: BertTokenizer, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids "[DEC] a picture of <caption> [SEP]" and labels, both (texts, length); the prefix is no target."""
    encoded = tokenizer([f"{PREFIX} {text}" for text in texts], padding=True, return_tensors="pt")
    tokens = encoded.input_ids
    tokens[:, 0] = tokenizer.bos_token_id
    labels = tokens.masked_fill(tokens == tokenizer.pad_token_id, -100)
    labels[:, : 1 + len(PREFIX.split())] = -100
    return tokens, labels


def random_templates(count: int, generator: torch.Generator) -> torch.Tensor:
    """Index into (EXACT, *LOOSE): exact half of the time."""
    loose = torch.randint(1, 1 + len(LOOSE), (count,), generator=generator)
    return torch.where(torch.rand(count, generator=generator) < 0.5, 0, loose)


@torch.no_grad()
def quality(folder: Path, recipe: Recipe = RECIPE) -> dict[str, float]:
    """By style: share of best captions (three beams) whose shape is right, and that state nothing wrong."""
    model = BlipForConditionalGeneration.from_pretrained(folder).eval()
    processor = BlipProcessor.from_pretrained(folder)
    found = {}
    for style, share in STYLES.items():
        drawings = held_out(recipe, target_share=share)
        prefix = processor.tokenizer([PREFIX] * len(drawings), return_tensors="pt").input_ids
        pixels = to_tensor(drawings.images)
        tokens = model.generate(pixel_values=pixels, input_ids=prefix, num_beams=3, min_length=5, max_length=20)
        said = [fields_said(text) for text in processor.batch_decode(tokens, skip_special_tokens=True)]
        truth = [drawings.words(index) for index in range(len(drawings))]
        pairs = list(zip(said, truth, strict=True))
        found[f"shape_right_{style}"] = sum(s.get("shape") == t["shape"] for s, t in pairs) / len(pairs)
        found[f"nothing_wrong_{style}"] = sum("shape" in s and s.items() <= t.items() for s, t in pairs) / len(pairs)
    return found
