"""Links of the assets to what is beside the UI: the explorer's page, the code that does the work.

Belongs here: which page and which module belong to which asset. Does not belong here: links of a run's own results
(the rooms' faces), the pages.

These links are of the definitions and not of a run. So they follow the setting of the UI that shows them, whoever ran
the refresh.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.faces import Site
from pipeline.settings import Settings
from warehouse.layout import Layout

# asset -> the page that shows people what it has, and the module to read first
PLACES: Mapping[str, tuple[str, str]] = {
    "releases": ("organisations.html", "assets/ingest.py"),
    "release": ("organisations.html", "assets/loading.py"),
    "responses": ("methods.html", "assets/responses/read.py"),
    "toplines": ("conflicts.html", "assets/toplines/read.py"),
    "questions": ("dictionary.html", "assets/questions/harmonise.py"),
    "estimates": ("revisions.html", "assets/estimates/published.py"),
    "trends": ("index.html", "assets/trends/make.py"),
    "claims": ("claims.html", "assets/claims/check.py"),
    "warehouse": ("checks.html", "assets/publication/candidate.py"),
    "published": ("index.html", "assets/publication/publish.py"),
    "site": ("index.html", "assets/explorer/build.py"),
}


def of(key: str, settings: Settings) -> dict[str, Any]:
    """Metadata of the asset `key`: its page in the explorer, its code."""
    page, module = PLACES[key]
    return {
        "explorer page": Site(Layout.from_environment().site, settings.site_url).page(page),
        "code": dg.MetadataValue.text(module),  # no link: the files need not be where the browser is
    }


def linked(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    """An asset with its links; that to the explorer stands in its description too, which is shown first."""
    key = spec.key.to_user_string()
    if settings.site_url:
        page = f"[Its page in the explorer]({settings.site_url}/{PLACES[key][0]})"
        spec = spec.replace_attributes(description=f"{spec.description}\n\n{page}")
    return spec.merge_attributes(metadata=of(key, settings))
