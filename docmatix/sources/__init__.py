"""Where documents come from, one module per kind. A new kind needs its module and a line here."""

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.sources.files import FilesSource
from docmatix.sources.parquet import ParquetSource
from docmatix.sources.source import Source
from docmatix.sources.webdataset import WebdatasetSource

SOURCES: tuple[type[Source], ...] = (FilesSource, WebdatasetSource, ParquetSource)
AnySource: TypeAlias = Annotated[SerializeAsAny[Source], OneOf(Source, SOURCES)]
