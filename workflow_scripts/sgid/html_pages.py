"""What all HTML pages have in common: how their templates are read, and which pictures they show pixel by pixel."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jinja2

NOTHING: Mapping = MappingProxyType({})


def page_environment(
    filters: Mapping[str, Callable] = NOTHING, *, sources: Mapping[str, str] = NOTHING
) -> jinja2.Environment:
    """Whatever is put in is escaped, and a missing value is an error. `sources`: templates by name, for `include`."""
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment
