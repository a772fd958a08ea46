"""Configuration of Sphinx for ``bash scripts/docs``; the pages themselves are staged by ``scripts/site/stage.py``."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

project = "cascade-steering"
author = "The cascade-steering developers"
copyright = author
release = version = metadata.version("cascade-steering")
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "scripts.site.transform",
]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext", ".py": "myst-nb"}
nitpicky = False
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 80
add_module_names = False
toc_object_entries = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_number_code_blocks = []

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
# a tutorial may write where it runs, and that is no folder of the repository
nb_execution_in_temp = True
nb_merge_streams = True
# a warning of a tutorial is an error here
nb_output_stderr = "warn"

# copied beside the pages, which ask nothing of a network
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "chtml": {"displayAlign": "left", "mtextInheritFont": True, "scale": 0.93},
    "options": {"enableMenu": False},
}

html_theme = "furo"
html_title = "cascade-steering"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
