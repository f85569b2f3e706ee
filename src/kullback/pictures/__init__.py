"""Pictures: figures of matplotlib, and what they draw of fits."""
