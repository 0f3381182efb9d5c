"""Tables of cells that are strings: CSV, TSV and spreadsheets, and what a column of them holds."""
