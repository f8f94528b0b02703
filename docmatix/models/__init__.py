"""Model servers and the client that asks them, one file a kind of engine. A new kind: its file, and its line here."""

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.models.engine import Engine
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.none import NoEngine
from docmatix.models.openai import OpenaiEngine
from docmatix.models.vllm.engine import VllmEngine

ENGINES: tuple[type[Engine], ...] = (LlamacppEngine, OpenaiEngine, VllmEngine, NoEngine)
AnyEngine: TypeAlias = Annotated[SerializeAsAny[Engine], OneOf(Engine, ENGINES)]
