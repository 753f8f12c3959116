"""The two tokenizers that the tiny models read, in which every word of the grammar is one token."""

from pathlib import Path

from transformers import BertTokenizer, CLIPTokenizer

from sgid.miniature.grammar import WORDS

CLIP_CONTEXT, SD_CONTEXT = 32, 77


def clip_tokenizer(folder: Path, context: int) -> CLIPTokenizer:
    """Save and return a byte-pair tokenizer in which every word of the grammar is one token."""
    characters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    alphabet = characters + [f"{character}</w>" for character in characters]
    merges = word_merges(WORDS)
    units = [*alphabet, *("".join(pair) for pair in merges), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {unit: index for index, unit in enumerate(units)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=context)
    tokenizer.save_pretrained(folder)
    return tokenizer


def word_merges(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Byte-pair merges in an order under which every word collapses to one unit.

    Each word is chained from its left; a word that earlier merges break up is chained from what they leave of it.
    """
    merges: dict[tuple[str, str], None] = {}
    for word in sorted((word for word in words if len(word) > 1), key=lambda word: (-len(word), word)):
        while len(units := split(word, list(merges))) > 1:
            merges[units[0], units[1]] = None
    broken = [word for word in words if len(split(word, list(merges))) > 1]
    if broken:
        raise ValueError(f"byte-pair merges leave {broken} in pieces; reorder sgid.miniature.grammar.WORDS")
    return list(merges)


def split(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """Byte-pair encoding of one word: the earliest merge first, wherever it applies."""
    units = [*word[:-1], f"{word[-1]}</w>"]
    for left, right in merges:
        index = 0
        while index < len(units) - 1:
            if (units[index], units[index + 1]) == (left, right):
                units[index : index + 2] = [left + right]
            index += 1
    return units


def bert_tokenizer(folder: Path) -> BertTokenizer:
    """Save and return the word-level tokenizer of the tiny BLIP, with BLIP's own special tokens."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]
    words = [word for word in WORDS if word not in {"make", "the"}]
    vocabulary = {word: index for index, word in enumerate([*special, *words])}
    tokenizer = BertTokenizer(vocab=vocabulary, bos_token="[DEC]", model_max_length=SD_CONTEXT)
    tokenizer.save_pretrained(folder)
    return tokenizer
