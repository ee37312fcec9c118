"""The frame: Arrow tables into pandas, polars or Parquet, and the record of their origin."""
