"""What the cells of a table mean: headers, names of rows, roles, unit, caption, notes; how far to trust that."""
