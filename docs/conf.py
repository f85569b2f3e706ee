"""Sphinx's configuration: every cell is executed, and the site loads nothing from elsewhere."""

import hashlib
import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BUILD = DOCS / "_build"
sys.path.insert(0, str(DOCS / "_ext"))

import kullback  # noqa: E402

project = "Kullback"
author = "the authors of Kullback"
version = release = kullback.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "formula_role",
    "reference_pages",
    "finished_site",
]
exclude_patterns = ["_build", "_ext", "reference/examples.md"]

# ---- Markdown, and the cells in it ---------------------------------------------------------------

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
nb_execution_mode = "cache"
nb_execution_show_tb = True  # and -W makes a failure an error, after all pages have been tried
nb_execution_timeout = 300
nb_merge_streams = True


def of_what_is_executed() -> str:
    """A key of everything that outputs depend on besides the cells: the package, data, versions."""
    key = hashlib.sha256(sys.version.encode())
    for folder in (Path(kullback.__file__).parent, ROOT / "examples"):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix not in (".pyc", ".md"):
                key.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    for package in ("jax", "matplotlib", "numpy", "scikit-learn", "scipy", "statsmodels"):
        key.update(installed(package).encode())
    return key.hexdigest()[:16]


# jupyter-cache finds a page again by its cells alone, so the folder is that of the rest.
nb_execution_cache_path = str(BUILD / "cache" / of_what_is_executed())

# Kernels begin in a folder that holds examples/, as the root of a clone does, and draw SVG.
SCRATCH = BUILD / "scratch"
PROFILE = BUILD / "ipython" / "profile_default"
for folder in (SCRATCH, PROFILE):
    folder.mkdir(parents=True, exist_ok=True)
if not (SCRATCH / "examples").exists():
    (SCRATCH / "examples").symlink_to(ROOT / "examples")
(PROFILE / "ipython_config.py").write_text(
    f"""c = get_config()
c.InteractiveShellApp.exec_lines = ["import os", "os.chdir({str(SCRATCH)!r})"]
c.InlineBackend.figure_formats = {{"svg"}}
c.HistoryManager.enabled = False
c.IPKernelApp.log_level = 40
""",
    encoding="utf-8",
)
os.environ |= {"IPYTHONDIR": str(BUILD / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}

# ---- docstrings ----------------------------------------------------------------------------------

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries_show_parents = "hide"
# Types in docstrings are words; links between pages are checked by MyST and finished_site.
nitpick_ignore_regex = [(r"py:.*", r".*")]

# ---- the look ------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "Kullback"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {
    page: [] for page in ("index", "coming_from/**", "gallery/**", "reference/names/families")
}
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "Kullback"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "search_as_you_type": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_show_copyright = False
