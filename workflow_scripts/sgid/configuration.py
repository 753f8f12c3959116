"""The configuration against its schema: every refusal is one sentence that starts with the path of the key."""

import difflib
import json
from pathlib import Path

import jsonschema
import yaml

from sgid.references import ConfigError

SCHEMA = Path(__file__).parents[2] / "config" / "schema.yaml"


def checked(config: dict, schema: Path = SCHEMA) -> dict:
    """Return `config` unchanged, or raise ConfigError for the first key that the schema refuses."""
    # Snakemake hands ordered mappings over; validation and the messages want plain ones.
    plain = json.loads(json.dumps(config))
    validator = jsonschema.Draft202012Validator(yaml.safe_load(schema.read_text(encoding="utf-8")))
    errors = sorted(validator.iter_errors(plain), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise ConfigError(sentence(errors[0]))
    return config


def sentence(error: jsonschema.ValidationError) -> str:
    """One sentence for one refusal; of several alternatives, the one of the right type, or else all of them."""
    fitting = [each for each in error.context if each.path or each.validator not in ("type", "const")]
    error = fitting[0] if fitting else error
    path = ".".join(map(str, error.absolute_path)) or "config"
    if error.validator == "additionalProperties" and "properties" in error.schema:
        return unknown_key(path, error)
    return f"{path}: {', and '.join(each.message for each in error.context or [error])}"


def unknown_key(path: str, error: jsonschema.ValidationError) -> str:
    """The sentence for a key that the schema does not have, with the nearest that it has."""
    known = sorted(error.schema["properties"])
    key = next(key for key in error.instance if key not in known)
    nearest = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    prefix = "" if path == "config" else f"{path}."
    return f"{prefix}{key}: no such key ({hint}have: {', '.join(known)})"
