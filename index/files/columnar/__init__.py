"""Tables whose columns have types: Parquet and Arrow."""
