"""The experiments part: which users see what, and what may be concluded."""
