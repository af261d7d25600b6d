"""The site: `python -m pip install '.[docs]' && sphinx-build -W docs site`."""

import importlib.metadata

project = "zyg"
author = "the zyg authors"
version = release = importlib.metadata.version("zyg")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "zyg"
exclude_patterns = ["site"]
autodoc_member_order = "bysource"
