"""What a dataset card says about the configuration of its build."""

from __future__ import annotations

from docmatix.config import Config
from docmatix.core.pairs import name_model
from docmatix.dataset.card import BuildDescription


def describe_build(config: Config) -> BuildDescription:
    """The settings that a reader of the dataset needs."""
    pack, dedup = config.pack, config.dedup
    verified = [f"{check.described} (`{check.label}`)" for check in config.verify]
    verifiers = dict.fromkeys(name_model(config.choose_check_engine(check).model_name) for check in config.verify)
    return BuildDescription(
        name=config.name,
        source=f"{config.source.described} (`{config.source.kind}`)",
        models=(name_model(config.generate.engine.model_name),),
        verifier=", ".join(verifiers) or None,
        schema=pack.schema_,
        license=pack.license,
        filters=tuple((each.get_name(), each.describe_settings()) for each in config.curate.filters),
        bounds=tuple(each.bound for each in config.curate.filters if each.bound is not None),
        shares=list_shares(config),
        settings={
            "verified by": "; ".join(verified) or "nothing more",
            "near duplicates": f"left out from a similarity of {dedup.threshold}" if dedup.near else "kept",
            "pages": f"at most {config.window.max_pages} a row; {pack.dpi} dpi,"
            f" longest side at most {pack.max_side_px:,} px, {pack.image_format}",
            "seed": str(config.seed),
        },
    )


def list_shares(config: Config) -> dict[str, float]:
    """The share of the pairs that the checks of each score draw: the same ones, as far as it goes."""
    shares: dict[str, float] = {}
    for check in config.verify:
        for score in (check.score, *check.other_scores):
            shares[score] = max(check.share, shares.get(score, 0.0))
    return shares
