"""What the suite adds to the record of a run before it is shown: conditions, scripts, user reports, the page."""
