"""Pages of HTML: the template and style that all share, and the page of a fit."""
