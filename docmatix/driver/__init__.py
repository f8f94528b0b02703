"""The driver of a build: the loop over stages, Ray, its workers, and what watches over them."""
