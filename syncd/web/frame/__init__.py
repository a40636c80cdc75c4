"""What every page is made with: who asks (`visit.py`), where it is served (`pages.py`), how it looks (`drawing.py`)."""
