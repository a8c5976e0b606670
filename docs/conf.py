"""The site: sphinx-build -W --keep-going docs site.

Sphinx with the pydata theme: both had a release in the autumn of 2026, and NumPy, pandas and SciPy have them. MkDocs 1
has had none since August 2024, Material for MkDocs ends in May 2027, and Zensical, which follows it, is at 0.1.
Pages are Markdown (MyST) that GitHub shows as well. Nothing is loaded from another host.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from geosal.version import __version__ as release

project = "geosal"
author = "the authors of geosal"
copyright = "the authors of geosal, Apache 2.0"  # noqa: A001  # Sphinx's name for it
version = release

extensions = [
    "commands",
    "mathml",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_ext", "figures"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.xref_missing_download"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "geosal"
html_static_path = ["_static"]
html_css_files = ["geosal.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "header_links_before_dropdown": 6,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"
