"""Files that appear whole or not at all: stores, run directories, Parquet, schemas."""
