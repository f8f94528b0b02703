"""The settings of the run that a reader of its figures asks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from docmatix.core.pairs import NO_MODEL
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart

if TYPE_CHECKING:
    from docmatix.config import Config


class SettingsPart(ReportPart):
    """Model, prompts, filters and sizes."""

    kind: Literal["settings"] = "settings"
    title: ClassVar[str] = "Settings"

    def render(self, context: ReportContext) -> str:
        return fill_file("settings.html", settings=list_settings(context.job.config))


def list_settings(config: Config) -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Each with its label; of a filter its name and its settings."""
    engine = config.generate.engine
    prompts = [choice if isinstance(choice, str) else choice.name for choice in config.generate.prompts]
    found: list[tuple[str, str | list[tuple[str, str]]]] = [
        ("Model", f"{engine.model_name} ({engine.kind})" if engine.has_model else NO_MODEL),
        *([("Prompts", ", ".join(prompts))] if prompts else []),
    ]
    if config.generate.pairs_per_page:
        found.append(("From facts", f"{config.generate.pairs_per_page} pairs a page at most"))
    checks = ((check.label, config.choose_check_engine(check).model_name) for check in config.verify)
    found += [("Verified by", f"{label}, {model}") for label, model in checks]
    filters: list[tuple[str, str]] = [
        (each.get_name(), ", ".join(f"{name}: {value}" for name, value in each.describe_settings().items()))
        for each in config.curate.filters
    ]
    return [
        *found,
        ("Filters", filters),
        ("Window", f"{config.window.max_pages} pages at most"),
        ("Images", f"{config.pack.dpi} dpi, {config.pack.image_format}"),
        ("Seed", str(config.seed)),
    ]
